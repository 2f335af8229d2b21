import { LevelMeter as Meter } from "@nexusvibe/client";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

/** A bar as loud as the microphone. Drawn past React: it moves with every frame. */
export function LevelMeter({ track }: { track: MediaStreamTrack | null }) {
  const { t } = useTranslation();
  const bar = useRef<HTMLDivElement>(null);
  const meter = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!track) return;
    const loudness = new Meter(track);
    let frame = 0;
    const draw = () => {
      const percent = Math.round(loudness.level * 100);
      if (bar.current) bar.current.style.width = `${percent}%`;
      meter.current?.setAttribute("aria-valuenow", String(percent));
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => {
      cancelAnimationFrame(frame);
      loudness.close();
    };
  }, [track]);

  return (
    <div
      ref={meter}
      role="meter"
      data-testid="level"
      aria-label={t("lobby.level")}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
      className="absolute bottom-9 left-4 h-2 w-20 overflow-hidden rounded-full bg-scrim sm:w-28"
    >
      {track && <div ref={bar} className="h-full w-0 rounded-full bg-good" />}
    </div>
  );
}
