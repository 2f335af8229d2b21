import { Hand, MicOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Verdict } from "../room/quality.ts";
import type { Tile } from "../room/tiles.ts";
import { Signal } from "./signal.tsx";

/** Whose tile it is, and whether they can be heard. */
export function TileFooter({ tile, verdict }: { tile: Tile; verdict: Verdict | null }) {
  const { t } = useTranslation();
  const { person, kind } = tile;
  const name = person.self ? t("common.you", { name: person.name }) : person.name;
  const shown = kind === "screen" ? t("tile.screenOf", { name: person.name }) : name;
  return (
    <footer className="absolute bottom-2 left-2 z-2 flex max-w-[calc(100%-1rem)] items-center gap-1.5 text-sm text-on-scrim">
      <div className="flex min-h-7 min-w-0 items-center gap-1.5 rounded-lg bg-scrim px-2">
        {kind === "camera" && !person.microphoneOn && (
          <MicOff
            data-testid="muted"
            role="img"
            aria-label={t("tile.microphoneOff")}
            size={15}
            className="flex-none text-[#ff9a9e]"
          />
        )}
        <span data-testid="tile-name" className="truncate">
          {person.connected ? shown : t("tile.away", { name: shown })}
        </span>
        {verdict && <Signal name={person.name} verdict={verdict} />}
      </div>
      {person.inLine !== null && kind === "camera" && (
        <span
          data-testid="tile-hand"
          className="flex min-h-7 flex-none animate-appear items-center gap-1 rounded-lg bg-accent px-2 font-semibold text-on-accent"
        >
          <Hand role="img" aria-label={t("tile.hand", { place: person.inLine })} size={15} />
          {person.inLine}
        </span>
      )}
    </footer>
  );
}
