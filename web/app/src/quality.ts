import type { QualityReason, Rating, TrackQuality, UplinkQuality } from "@nexusvibe/client";
import { find, make } from "./dom.ts";
import { RATING, REASON } from "./sentences.ts";

/** What a tile says of somebody's connection. */
export interface Verdict {
  readonly rating: Rating;
  /** The picture was paused for the sound's sake. */
  readonly held: boolean;
  /** In one line. */
  readonly sentence: string;
  /** Figures for who wants to know: name and value. */
  readonly figures: readonly (readonly [name: string, value: string])[];
}

/** What the tile says elsewhere, or what nobody can see. */
const UNSEEN: readonly QualityReason[] = ["muted", "hidden", "chosen"];
const WORST_FIRST: readonly Rating[] = ["poor", "fair", "paused", "good"];

/** Of somebody else: of the picture that is shown, and of the sound. Null as long as nothing is known. */
export function received(picture: TrackQuality | undefined, sound: TrackQuality | undefined): Verdict | null {
  const known = [picture, sound].filter((track) => track !== undefined);
  const wanted = known.filter(({ reasons }) => !reasons.some((reason) => UNSEEN.includes(reason)));
  if (wanted.length === 0) return null;
  const flows = picture !== undefined && picture.rating !== "paused";
  return {
    ...judged(wanted),
    held: picture?.rating === "paused" && wanted.includes(picture),
    figures: [
      ...(flows ? pictureFigures(picture) : []),
      ...(sound && sound.rating !== "paused" ? ([["Sound", RATING[sound.rating]]] as const) : []),
    ],
  };
}

/** Of what oneself sends. */
export function sent(uplink: UplinkQuality | null): Verdict | null {
  if (!uplink) return null;
  const { roundTripTime } = uplink;
  const delay = roundTripTime === null ? [] : [["Delay", `${Math.round(roundTripTime)} ms`] as const];
  return { ...judged([uplink]), held: false, figures: [...pictureFigures(uplink), ...delay] };
}

function judged(tracks: readonly { rating: Rating; reasons: readonly QualityReason[] }[]) {
  const ratings = tracks.map(({ rating }) => rating);
  const rating = WORST_FIRST.find((one) => ratings.includes(one)) ?? "good";
  const reasons = [...new Set(tracks.flatMap((track) => track.reasons))].map((reason) => REASON[reason]);
  return { rating, sentence: [RATING[rating], reasons.join(", ")].filter(Boolean).join(": ") };
}

function pictureFigures(of: Omit<UplinkQuality, "rating" | "reasons" | "roundTripTime">) {
  const picture = [
    ["Picture", `${of.width} × ${of.height}`],
    ["Frames", `${Math.round(of.framesPerSecond)} fps`],
  ] as const;
  return [
    ...(of.height > 0 ? picture : []),
    ["Data", rateOf(of.bitrate)] as const,
    ["Lost", `${(100 * of.loss).toFixed(of.loss > 0 && of.loss < 0.1 ? 1 : 0)} %`] as const,
  ];
}

function rateOf(bitrate: number): string {
  return bitrate < 1e6 ? `${Math.round(bitrate / 1000)} kbit/s` : `${(bitrate / 1e6).toFixed(1)} Mbit/s`;
}

/** The signal bars of a tile, and the figures behind them. */
export class Signal {
  private readonly button: HTMLElement;
  private readonly panel: HTMLElement;
  private verdict: Verdict | null = null;

  constructor(private readonly tile: HTMLElement) {
    this.button = find("[data-testid=signal]", tile);
    this.panel = find("[data-testid=figures]", tile);
    this.button.addEventListener("click", () => this.open(this.panel.hidden === true));
    tile.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.open(false);
    });
  }

  show(name: string, verdict: Verdict | null): void {
    this.verdict = verdict;
    this.button.hidden = verdict === null;
    this.tile.classList.toggle("held", verdict?.held ?? false);
    if (!verdict) {
      this.open(false);
      return;
    }
    const label = `Connection of ${name}: ${verdict.sentence}`;
    this.button.dataset.rating = verdict.rating;
    this.button.title = label;
    this.button.setAttribute("aria-label", label);
    if (!this.panel.hidden) this.fill(verdict);
  }

  private open(open: boolean): void {
    this.panel.hidden = !open || this.verdict === null;
    this.button.setAttribute("aria-expanded", String(!this.panel.hidden));
    if (this.verdict && !this.panel.hidden) this.fill(this.verdict);
  }

  private fill({ sentence, figures }: Verdict): void {
    const rows = figures.map(([name, value]) => {
      const row = make("div", "");
      row.append(make("dt", "", name), make("dd", "", value));
      return row;
    });
    const list = make("dl", "");
    list.append(...rows);
    this.panel.replaceChildren(make("p", "", sentence), list);
  }
}
