import type { QualityReason, QualityReport, Rating, TrackQuality, UplinkQuality } from "@nexusvibe/client";

/** What a tile says of somebody's connection. Words are named by key, figures are ready to be shown. */
export interface Verdict {
  readonly rating: Rating;
  readonly reasons: readonly QualityReason[];
  /** The picture was paused for the sound's sake. */
  readonly held: boolean;
  /** For who wants to know: name and value. A rating stands for itself. */
  readonly figures: readonly Figure[];
}

export type FigureName = "picture" | "frames" | "data" | "lost" | "sound" | "delay";
export type Figure = readonly [name: FigureName, value: string | number | { readonly rating: Rating }];

/** What the tile says elsewhere, or what nobody can see. */
const UNSEEN: readonly QualityReason[] = ["muted", "hidden", "chosen"];
const WORST_FIRST: readonly Rating[] = ["poor", "fair", "paused", "good"];

/** Of one person's camera and sound, or of what oneself sends. Null as long as nothing is known. */
export function verdictOn(report: QualityReport | null, person: string, self: boolean): Verdict | null {
  if (!report) return null;
  if (self) return sent(report.uplink);
  const theirs = [...report.tracks.values()].filter(({ participant }) => participant === person);
  const pictures = theirs.filter(({ kind }) => kind === "video");
  const shown = pictures.find(({ reasons }) => !reasons.includes("chosen")) ?? pictures[0];
  return received(
    shown,
    theirs.find(({ kind }) => kind === "audio"),
  );
}

/** Of somebody else: of the picture that is shown, and of the sound. */
export function received(picture: TrackQuality | undefined, sound: TrackQuality | undefined): Verdict | null {
  const known = [picture, sound].filter((track) => track !== undefined);
  const wanted = known.filter(({ reasons }) => !reasons.some((reason) => UNSEEN.includes(reason)));
  if (wanted.length === 0) return null;
  const flows = picture !== undefined && picture.rating !== "paused";
  const heard: readonly Figure[] =
    sound && sound.rating !== "paused" ? [["sound", { rating: sound.rating }]] : [];
  return {
    ...judged(wanted),
    held: picture?.rating === "paused" && wanted.includes(picture),
    figures: [...(flows ? pictureFigures(picture) : []), ...heard],
  };
}

/** Of what oneself sends. */
export function sent(uplink: UplinkQuality | null): Verdict | null {
  if (!uplink) return null;
  const { roundTripTime } = uplink;
  const delay: readonly Figure[] =
    roundTripTime === null ? [] : [["delay", `${Math.round(roundTripTime)} ms`]];
  return { ...judged([uplink]), held: false, figures: [...pictureFigures(uplink), ...delay] };
}

function judged(tracks: readonly { rating: Rating; reasons: readonly QualityReason[] }[]) {
  const ratings = tracks.map(({ rating }) => rating);
  const rating = WORST_FIRST.find((one) => ratings.includes(one)) ?? "good";
  return { rating, reasons: [...new Set(tracks.flatMap((track) => track.reasons))] };
}

function pictureFigures(of: Omit<UplinkQuality, "rating" | "reasons" | "roundTripTime">): readonly Figure[] {
  const picture: readonly Figure[] = [
    ["picture", `${of.width} × ${of.height}`],
    ["frames", Math.round(of.framesPerSecond)],
  ];
  return [
    ...(of.height > 0 ? picture : []),
    ["data", rateOf(of.bitrate)],
    ["lost", `${(100 * of.loss).toFixed(of.loss > 0 && of.loss < 0.1 ? 1 : 0)} %`],
  ];
}

function rateOf(bitrate: number): string {
  return bitrate < 1e6 ? `${Math.round(bitrate / 1000)} kbit/s` : `${(bitrate / 1e6).toFixed(1)} Mbit/s`;
}
