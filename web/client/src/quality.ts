import type { Wish } from "./demand.ts";
import type { SimulcastLayer, Track, TrackKind } from "./generated/protocol.ts";
import type { InboundReading, OutboundReading } from "./stats.ts";

export type Rating = "good" | "fair" | "poor" | "paused";

/**
 * Why a rating is not `good`. `loss`, `freeze`, `framerate`, `gaps` (in sound): how it arrives; `silence`: nothing
 * arrives; `bandwidth`: less is received, or sent, than is wanted, because the network is too narrow; `delay`, `cpu`:
 * of what is sent. Of `paused`: `hidden` (not on the screen), `muted` (by whom it is of), `bandwidth`, `chosen` (by
 * `setLayer`).
 */
export type QualityReason =
  | "loss"
  | "freeze"
  | "framerate"
  | "gaps"
  | "silence"
  | "bandwidth"
  | "delay"
  | "cpu"
  | "hidden"
  | "muted"
  | "chosen";

/** How a track of somebody else has arrived in the last two seconds. */
export interface TrackQuality {
  readonly track: string;
  readonly participant: string;
  readonly kind: TrackKind;
  readonly rating: Rating;
  readonly reasons: readonly QualityReason[];
  /** The best layer that is asked for; null for sound, and while paused. */
  readonly layer: SimulcastLayer | null;
  /** Pixels; 0 for sound. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** bits/s */
  readonly bitrate: number;
  /** Shares from 0 to 1: packets that were lost, and of the time that the picture stood still. */
  readonly loss: number;
  readonly frozen: number;
}

/** How what this client sends has reached the server in the last two seconds. */
export interface UplinkQuality {
  readonly rating: Exclude<Rating, "paused">;
  readonly reasons: readonly QualityReason[];
  /** Of the largest picture that is sent; 0 without one. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** bits/s, all tracks and layers together. */
  readonly bitrate: number;
  /** Share of lost packets, from 0 to 1. */
  readonly loss: number;
  /** ms; null as long as the server has not told. */
  readonly roundTripTime: number | null;
}

/** What is asked for of a track, and what made it less than what it is wanted in. */
export interface Asked {
  readonly wish: Wish;
  readonly reason: "hidden" | "bandwidth" | "chosen" | null;
}

type Finding = readonly [reason: QualityReason, rating: "fair" | "poor"];

const SLOW_FPS = 8;
const LOSS = { fair: 0.02, poor: 0.08 };
const FREEZE = { fair: 0.1, poor: 0.25 };
const CONCEALED = { fair: 0.03, poor: 0.1 };
const DELAY_MS = { fair: 300, poor: 600 };

/** The quality of a track from two readings of its counters; null while there is nothing to compare. */
export function trackQuality(
  track: Track,
  asked: Asked,
  before: InboundReading | undefined,
  after: InboundReading | undefined,
): TrackQuality | null {
  const reason = track.muted ? "muted" : asked.wish === "paused" ? (asked.reason ?? "chosen") : null;
  if (reason) return { ...identified(track), ...STILL, rating: "paused", reasons: [reason] };
  if (!before || before.id !== after?.id || after.at <= before.at) return null;
  const delta = difference(before, after);
  const findings = track.kind === "video" ? pictureFindings(track, asked, delta) : soundFindings(delta);
  const layer = track.kind === "video" && asked.wish !== "paused" ? asked.wish : null;
  const { width, height } = after;
  const { framesPerSecond, bitrate, loss, frozen } = delta;
  return {
    ...identified(track),
    ...rated(findings),
    layer,
    width,
    height,
    framesPerSecond,
    bitrate,
    loss,
    frozen,
  };
}

/** The quality of what is sent; null while there is nothing to compare. */
export function uplinkQuality(
  before: OutboundReading | null,
  after: OutboundReading | null,
): UplinkQuality | null {
  if (!before || !after || after.at <= before.at || after.bytesSent < before.bytesSent) return null;
  const { width, height, framesPerSecond, limitations, roundTripTime } = after;
  const loss = after.loss ?? 0;
  const findings: Finding[] = [...above("loss", loss, LOSS), ...above("delay", roundTripTime ?? 0, DELAY_MS)];
  for (const limitation of ["bandwidth", "cpu"] as const) {
    if (limitations.has(limitation)) findings.push([limitation, "fair"]);
  }
  const bitrate = (8000 * (after.bytesSent - before.bytesSent)) / (after.at - before.at);
  return { ...rated(findings), width, height, framesPerSecond, bitrate, loss, roundTripTime };
}

const STILL = { layer: null, width: 0, height: 0, framesPerSecond: 0, bitrate: 0, loss: 0, frozen: 0 };

interface Difference {
  readonly packets: number;
  readonly framesPerSecond: number;
  readonly bitrate: number;
  readonly loss: number;
  readonly frozen: number;
  readonly concealed: number;
}

function difference(before: InboundReading, after: InboundReading): Difference {
  const seconds = (after.at - before.at) / 1000;
  const packets = after.packetsReceived - before.packetsReceived;
  const lost = Math.max(0, after.packetsLost - before.packetsLost); // late ones are found again
  return {
    packets,
    framesPerSecond: (after.framesDecoded - before.framesDecoded) / seconds,
    bitrate: (8 * (after.bytesReceived - before.bytesReceived)) / seconds,
    loss: share(lost, lost + packets),
    frozen: Math.min(1, (after.frozen - before.frozen) / seconds),
    concealed: share(after.concealed - before.concealed, after.samples - before.samples),
  };
}

/** A screen may rest: nothing need arrive of it. */
function pictureFindings({ source }: Track, asked: Asked, delta: Difference): Finding[] {
  const findings = [...above("loss", delta.loss, LOSS), ...above("freeze", delta.frozen, FREEZE)];
  if (asked.reason === "bandwidth") findings.push(["bandwidth", "fair"]);
  if (source !== "camera") return findings;
  if (delta.packets === 0) return [["silence", "poor"]];
  if (delta.framesPerSecond < SLOW_FPS) findings.push(["framerate", "fair"]);
  return findings;
}

function soundFindings({ packets, concealed }: Difference): Finding[] {
  return packets === 0 ? [["silence", "poor"]] : above("gaps", concealed, CONCEALED);
}

function above(reason: QualityReason, value: number, limits: { fair: number; poor: number }): Finding[] {
  if (value < limits.fair) return [];
  return [[reason, value < limits.poor ? "fair" : "poor"]];
}

function rated(findings: readonly Finding[]): { rating: "good" | "fair" | "poor"; reasons: QualityReason[] } {
  const ratings = findings.map(([, rating]) => rating);
  const rating = ratings.includes("poor") ? "poor" : (ratings[0] ?? "good");
  return { rating, reasons: findings.map(([reason]) => reason) };
}

function identified({ id, participant, kind }: Track) {
  return { track: id, participant, kind };
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}
