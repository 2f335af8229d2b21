/** Faces survive this crop of a camera picture in either direction. */
const PICTURE = 4 / 3;

/** Into how many columns `count` tiles go, so that the pictures in them are as large as can be. */
export function columnsFor(count: number, width: number, height: number): number {
  let best = { columns: 1, size: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const size = Math.min(width / columns, (height / rows) * PICTURE);
    if (size > best.size) best = { columns, size };
  }
  return best.columns;
}
