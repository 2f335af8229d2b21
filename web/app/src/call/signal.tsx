import { useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Figure, Verdict } from "../room/quality.ts";

const BARS = { good: 3, fair: 2, poor: 1, paused: 1 } as const;
const COLOURS = {
  good: "text-on-scrim",
  fair: "text-[#ffd479]",
  poor: "text-[#ff9a9e]",
  paused: "text-on-scrim",
} as const;

/** The signal bars of a tile, and the figures behind them. */
export function Signal({ name, verdict }: { name: string; verdict: Verdict }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const panel = useId();
  const { rating, reasons } = verdict;
  const told = reasons.map((reason) => t(`reason.${reason}`)).join(", ");
  const sentence = [t(`rating.${rating}`), told].filter((part) => part !== "").join(": ");
  const label = t("quality.of", { name, sentence });

  useEffect(() => {
    if (!open) return;
    const elsewhere = ({ target }: Event) => {
      if (target instanceof Node && !place.current?.contains(target)) setOpen(false);
    };
    addEventListener("pointerdown", elsewhere);
    return () => removeEventListener("pointerdown", elsewhere);
  }, [open]);

  return (
    <div ref={place} className="contents" onKeyDown={({ key }) => key === "Escape" && setOpen(false)}>
      <button
        type="button"
        data-testid="signal"
        data-rating={rating}
        aria-label={label}
        aria-expanded={open}
        aria-controls={open ? panel : undefined}
        title={label}
        onClick={() => setOpen(!open)}
        className={`-mr-1 grid size-6 flex-none place-items-center rounded pointer-coarse:size-11 pointer-coarse:-my-2 ${COLOURS[rating]}`}
      >
        <Bars lit={BARS[rating]} />
      </button>
      {open && (
        <section
          id={panel}
          data-testid="figures"
          aria-label={t("quality.panel")}
          className="absolute bottom-full left-0 mb-2 min-w-44 rounded-xl border border-line bg-surface p-3 text-ink shadow-lg"
        >
          <p className="font-semibold first-letter:uppercase">{sentence}</p>
          <dl className="mt-1">
            {verdict.figures.map((figure) => (
              <Row key={figure[0]} figure={figure} />
            ))}
          </dl>
        </section>
      )}
    </div>
  );
}

function Row({ figure: [name, value] }: { figure: Figure }) {
  const { t } = useTranslation();
  const frames = typeof value === "number" ? t("quality.framesPerSecond", { count: value }) : value;
  const shown = typeof frames === "string" ? frames : t(`rating.${frames.rating}`);
  return (
    <div className="flex justify-between gap-4">
      <dt className="text-quiet">{t(`quality.${name}`)}</dt>
      <dd className="tabular-nums">{shown}</dd>
    </div>
  );
}

function Bars({ lit }: { lit: number }) {
  return (
    <svg aria-hidden viewBox="0 0 16 16" width={16} height={16} fill="currentColor">
      {[1, 2, 3].map((bar) => (
        <rect
          key={bar}
          x={bar * 5 - 4}
          y={15 - bar * 4.5}
          width={3.5}
          height={bar * 4.5}
          rx={1}
          opacity={bar <= lit ? 1 : 0.35}
        />
      ))}
    </svg>
  );
}
