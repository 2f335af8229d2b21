/** Where tiles go. Pure: sizes in, sizes out, all in CSS pixels. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Arrangement {
  /** `grid`: all alike. `side`, `below`: where the others stand beside the one that is shown large. */
  readonly shape: "grid" | "side" | "below";
  /** Of each tile that is not the large one. */
  readonly tile: Size;
  /** Of the large one; null when all are alike. */
  readonly main: Size | null;
}

export const GAP = 8;
/** Faces survive a crop of a camera picture to any shape between these. */
const NARROWEST = 1;
const NARROWEST_ALONE = 3 / 5;
const WIDEST = 16 / 9;
/** Smaller tiles show nothing: then there are more of them than fit, and people scroll. */
const LEAST: Size = { width: 150, height: 96 };
const STRIP = { least: 140, share: 0.2, most: 240 };

/** Tiles as large as can be, for `count` people in an area; with one of them shown large if `featured`. */
export function arrange(count: number, area: Size, featured: boolean): Arrangement {
  if (!featured) return { shape: "grid", tile: alike(count, area), main: null };
  const { width, height } = area;
  if (count <= 1) return { shape: "side", tile: { width: 0, height: 0 }, main: area };
  if (width > height * 1.1) {
    const strip = Math.round(Math.min(STRIP.most, Math.max(STRIP.least, width * STRIP.share)));
    const tile = { width: strip, height: Math.round(strip / WIDEST) };
    return { shape: "side", tile, main: { width: floor(width - strip - GAP), height } };
  }
  const across = Math.min(3, Math.max(2, count - 1));
  const tile = { width: floor((width - GAP * (across - 1)) / across), height: 0 };
  const row = Math.round(Math.min(tile.width * 0.75, height / 3));
  return {
    shape: "below",
    tile: { ...tile, height: row },
    main: { width, height: floor(height - row - GAP) },
  };
}

function alike(count: number, area: Size): Size {
  let best: Size = { width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const tile = shaped(cell(columns, Math.ceil(count / columns), area), count);
    if (tile.width * tile.height > best.width * best.height) best = tile;
  }
  return best.width >= Math.min(LEAST.width, area.width) && best.height >= LEAST.height
    ? best
    : crowded(area);
}

function cell(columns: number, rows: number, { width, height }: Size): Size {
  return { width: (width - GAP * (columns - 1)) / columns, height: (height - GAP * (rows - 1)) / rows };
}

function shaped({ width, height }: Size, count: number): Size {
  const narrowest = count === 1 ? NARROWEST_ALONE : NARROWEST;
  return {
    width: floor(Math.min(width, height * WIDEST)),
    height: floor(Math.min(height, width / narrowest)),
  };
}

function crowded({ width }: Size): Size {
  const columns = Math.max(1, Math.floor((width + GAP) / (LEAST.width + GAP)));
  const across = floor((width - GAP * (columns - 1)) / columns);
  return { width: across, height: Math.max(LEAST.height, floor(across * 0.75)) };
}

/** Never more than there is, and never less than nothing: a window may have no size yet. */
function floor(pixels: number): number {
  return Math.max(0, Math.floor(pixels));
}
