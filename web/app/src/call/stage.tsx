import { type CSSProperties, useRef } from "react";
import { useTranslation } from "react-i18next";
import { arrange, type Arrangement, GAP } from "../layout.ts";
import { featuredOf, tilesOf } from "../room/tiles.ts";
import { type RoomView, useActiveSpeaker, useQuality } from "../room/use-room.ts";
import { useSize } from "../ui/use-size.ts";
import { useCall } from "./context.ts";
import { TileView } from "./tile-view.tsx";
import { useReactions } from "./use-reactions.ts";

/** Everybody's pictures, as large as they can be. */
export function Stage({ view, spotlight }: { view: RoomView; spotlight: boolean }) {
  const { t } = useTranslation();
  const { room, pinned } = useCall();
  const speaker = useActiveSpeaker(room);
  const report = useQuality(room);
  const reactions = useReactions(room);
  const grid = useRef<HTMLElement>(null);
  const size = useSize(grid);
  const tiles = tilesOf(view.people);
  const featured = featuredOf(tiles, { pinned, spotlight, speaker });
  const arrangement = arrange(tiles.length, size, featured !== null);
  return (
    <section
      ref={grid}
      data-testid="grid"
      data-shape={arrangement.shape}
      aria-label={t("call.participants")}
      className={`mx-3 min-h-0 flex-1 overflow-x-hidden overflow-y-auto [scrollbar-width:thin] sm:mx-5 ${SHAPES[arrangement.shape]}`}
      style={{ gap: GAP, ...columnsOf(arrangement) }}
    >
      {tiles.map((tile) => (
        <TileView
          key={tile.key}
          tile={tile}
          style={placeOf(arrangement, tile.key === featured, tiles.length)}
          report={report}
          reactions={reactions.filter(
            ({ participant }) => tile.kind === "camera" && participant === tile.person.id,
          )}
        />
      ))}
    </section>
  );
}

const SHAPES: Record<Arrangement["shape"], string> = {
  grid: "flex flex-wrap justify-center [align-content:safe_center]",
  side: "grid content-start",
  below: "flex flex-wrap justify-center content-start",
};

function columnsOf({ shape, main, tile }: Arrangement): CSSProperties {
  if (shape !== "side") return {};
  return { gridTemplateColumns: `${main?.width ?? 0}px ${tile.width}px`, gridAutoRows: tile.height };
}

/** The large one stays where it is while the others scroll past. */
function placeOf({ shape, tile, main }: Arrangement, isMain: boolean, count: number): CSSProperties {
  if (!isMain || !main) return shape === "side" ? { ...tile, gridColumn: 2 } : { ...tile };
  const sticky: CSSProperties = { ...main, position: "sticky", top: 0, zIndex: 1 };
  if (shape === "below") return { ...sticky, order: -1 };
  return { ...sticky, gridColumn: 1, gridRow: `1 / span ${Math.max(1, count - 1)}` };
}
