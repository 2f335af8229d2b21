import type { QualityReport } from "@nexusvibe/client";
import { type CSSProperties, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { initialOf } from "../room/people.ts";
import { verdictOn } from "../room/quality.ts";
import { REACTION_ICONS } from "../room/reactions.ts";
import type { Tile } from "../room/tiles.ts";
import { useSpeaks } from "../room/use-room.ts";
import { Picture } from "../ui/picture.tsx";
import { useCall } from "./context.ts";
import { TileActions } from "./tile-actions.tsx";
import { TileFooter } from "./tile-footer.tsx";
import type { Flying } from "./use-reactions.ts";

interface TileViewProps {
  tile: Tile;
  style: CSSProperties;
  report: QualityReport | null;
  reactions: readonly Flying[];
}

/** One picture, or the initial of whose camera is off, with what there is to know about them. */
export function TileView({ tile, style, report, reactions }: TileViewProps) {
  const { t } = useTranslation();
  const { room } = useCall();
  const { person, kind, picture } = tile;
  const { name, self } = person;
  const [video, setVideo] = useState<HTMLVideoElement | null>(null);
  const speaks = useSpeaks(room, person.id) && kind === "camera";
  const shown = picture.on && picture.track !== null;
  const verdict = kind === "camera" ? verdictOn(report, person.id, self) : null;

  // Whose picture is received as large as this tile is, and only while it is on the screen.
  useEffect(() => {
    if (picture.id === null || !video) return;
    return room.attach(picture.id, video);
  }, [room, picture.id, video]);

  const whose =
    kind === "camera" ? { "data-identity": person.identity } : { "data-screen-of": person.identity };
  return (
    <article
      {...whose}
      data-testid={kind === "camera" ? "tile" : "screen"}
      data-participant={person.id}
      data-speaks={speaks}
      aria-label={t(kind === "camera" ? "tile.video" : "tile.screen", { name })}
      className="group relative grid flex-none place-items-center overflow-hidden rounded-2xl bg-tile"
      style={style}
    >
      {!shown && kind === "camera" && <Avatar name={name} />}
      <Picture
        onElement={setVideo}
        track={picture.track}
        mirrored={self}
        whole={kind === "screen"}
        hidden={!shown}
        label={t(kind === "camera" ? "tile.video" : "tile.screen", { name })}
      />
      {!picture.on && (
        <p data-testid="camera-off" className="sr-only">
          {t("tile.cameraOff")}
        </p>
      )}
      {verdict?.held && (
        <p
          data-testid="held-note"
          className="absolute inset-x-0 top-3 mx-auto w-fit rounded-lg bg-scrim px-2 py-1 text-sm text-on-scrim"
        >
          {t("tile.held")}
        </p>
      )}
      {!person.connected && <div aria-hidden className="absolute inset-0 bg-scrim" />}
      <TileActions tile={tile} video={video} />
      <TileFooter tile={tile} verdict={verdict} />
      <Reactions reactions={reactions} />
      {speaks && (
        <div
          aria-hidden
          className="pointer-events-none absolute inset-0 rounded-2xl border-3 border-accent"
        />
      )}
    </article>
  );
}

function Avatar({ name }: { name: string }) {
  return (
    <div
      aria-hidden
      className="grid aspect-square h-2/5 max-h-28 min-h-10 place-items-center rounded-full bg-avatar text-2xl font-semibold text-on-scrim"
    >
      {initialOf(name)}
    </div>
  );
}

/** Announced elsewhere, in words. */
function Reactions({ reactions }: { reactions: readonly Flying[] }) {
  return reactions.map(({ id, reaction }) => {
    const Icon = REACTION_ICONS[reaction];
    return (
      <div
        key={id}
        aria-hidden
        data-testid="reaction"
        className="pointer-events-none absolute right-1/4 bottom-12 animate-rise rounded-full bg-accent p-2.5 text-on-accent shadow-lg"
      >
        <Icon size={26} />
      </div>
    );
  });
}
