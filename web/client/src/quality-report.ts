import type { QualityReason, Rating, TrackQuality, UplinkQuality } from "./quality.ts";

export interface OverallQuality {
  readonly rating: Exclude<Rating, "paused">;
  readonly reasons: readonly QualityReason[];
}

export interface QualityReport {
  /** By track id. What has just begun to flow comes with the next report. */
  readonly tracks: ReadonlyMap<string, TrackQuality>;
  /** Null while nothing is sent. */
  readonly uplink: UplinkQuality | null;
  /** The worst of what arrives from each participant; `paused` when nothing is to. */
  readonly participants: ReadonlyMap<string, Rating>;
  /** Of this client's connection. One sender's bad network is not ours: what arrives counts when half of it is bad. */
  readonly overall: OverallQuality;
}

const WORST_FIRST = ["poor", "fair", "good"] as const;

/** Sums up what was found of each track. */
export function qualityReport(
  tracks: ReadonlyMap<string, TrackQuality>,
  uplink: UplinkQuality | null,
): QualityReport {
  const flowing = [...tracks.values()].filter(({ rating }) => rating !== "paused");
  const participants = new Map<string, Rating>();
  for (const { participant, rating } of tracks.values()) {
    participants.set(participant, worse(participants.get(participant) ?? "paused", rating));
  }
  const rating = worst([median(flowing), uplink?.rating ?? "good"]);
  const guilty = [...flowing, ...(uplink ? [uplink] : [])].filter((one) => one.rating !== "good");
  const reasons = rating === "good" ? [] : [...new Set(guilty.flatMap((one) => one.reasons))];
  return { tracks, uplink, participants, overall: { rating, reasons } };
}

function worst(ratings: readonly Rating[]): OverallQuality["rating"] {
  return WORST_FIRST.find((rating) => ratings.includes(rating)) ?? "good";
}

function worse(one: Rating, other: Rating): Rating {
  return one === "paused" ? other : other === "paused" ? one : worst([one, other]);
}

/** As bad as at least half of it. */
function median(flowing: readonly TrackQuality[]): Rating {
  const order = WORST_FIRST.flatMap((rating) => flowing.filter((one) => one.rating === rating));
  return order[Math.ceil(order.length / 2) - 1]?.rating ?? "good";
}
