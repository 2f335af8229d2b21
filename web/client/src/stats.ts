import type { TrackKind } from "./generated/protocol.ts";

export interface InboundStats {
  /** 0 for sound. */
  readonly framesDecoded: number;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
}

/**
 * What one subscribed track has delivered. Compare two readings: the counts belong to the m-section, which may have
 * carried another track before, and begin anew when the call moves.
 */
export interface TrackStats extends InboundStats {
  readonly track: string;
  readonly participant: string;
  readonly kind: TrackKind;
}

/** The counters of one receiver at one time (webrtc-stats `inbound-rtp`). Only those of the same `id` compare. */
export interface InboundReading extends InboundStats {
  readonly id: string;
  /** ms */
  readonly at: number;
  readonly packetsLost: number;
  /** 0 for sound, and before the first frame. */
  readonly width: number;
  readonly height: number;
  /** s */
  readonly frozen: number;
  /** Samples of sound that were made up because the real ones were missing, and all. */
  readonly concealed: number;
  readonly samples: number;
}

/** What is sent, all tracks and layers together. Only counters compare, the rest is as of now. */
export interface OutboundReading {
  /** ms */
  readonly at: number;
  readonly bytesSent: number;
  /** Of the largest picture that is sent; 0 without one. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** What keeps pictures from being better, of all that are sent. */
  readonly limitations: ReadonlySet<RTCQualityLimitationReason>;
  /** As the other side reports: the worst share of lost packets, and ms. Null before its first report. */
  readonly loss: number | null;
  readonly roundTripTime: number | null;
}

export const NOTHING: InboundStats = { framesDecoded: 0, packetsReceived: 0, bytesReceived: 0 };

/** What a connection has received, by the id of the receiver's MediaStreamTrack. Nothing before the first packet. */
export function inboundReadings(report: RTCStatsReport): ReadonlyMap<string, InboundReading> {
  const entries = entriesOf<RTCInboundRtpStreamStats>(report, "inbound-rtp");
  return new Map(entries.map((entry) => [entry.trackIdentifier, inboundReading(entry)]));
}

/** What a connection sends; null while that is nothing. */
export function outboundReading(report: RTCStatsReport): OutboundReading | null {
  const sent = entriesOf<RTCOutboundRtpStreamStats>(report, "outbound-rtp");
  const heard = entriesOf<RemoteInbound>(report, "remote-inbound-rtp");
  const [first] = sent;
  if (!first) return null;
  const pictures = sent.filter(
    ({ kind, active, frameHeight = 0 }) => kind === "video" && active !== false && frameHeight > 0,
  );
  const largest = pictures.reduce<RTCOutboundRtpStreamStats | null>(
    (best, one) => ((one.frameHeight ?? 0) > (best?.frameHeight ?? 0) ? one : best),
    null,
  );
  return {
    at: first.timestamp,
    bytesSent: sent.reduce((sum, { bytesSent = 0 }) => sum + bytesSent, 0),
    width: largest?.frameWidth ?? 0,
    height: largest?.frameHeight ?? 0,
    framesPerSecond: largest?.framesPerSecond ?? 0,
    limitations: new Set(pictures.map(({ qualityLimitationReason = "none" }) => qualityLimitationReason)),
    loss: worst(heard.map(({ fractionLost }) => fractionLost)),
    roundTripTime: worst(heard.map(({ roundTripTime }) => roundTripTime && 1000 * roundTripTime)),
  };
}

/** How loud a captured track is, from 0 to 1 (webrtc-stats `media-source`). */
export function sourceLevel(report: RTCStatsReport, mediaTrack: string): number {
  const sources = entriesOf<MediaSource>(report, "media-source");
  return sources.find(({ trackIdentifier }) => trackIdentifier === mediaTrack)?.audioLevel ?? 0;
}

/** RTCAudioSourceStats, as far as we read it; the DOM's types lack it. */
interface MediaSource extends RTCStats {
  readonly trackIdentifier?: string;
  readonly audioLevel?: number;
}

/** webrtc-stats RTCRemoteInboundRtpStreamStats, as far as we read it; the DOM's types lack it. */
interface RemoteInbound extends RTCStats {
  readonly fractionLost?: number;
  readonly roundTripTime?: number;
}

function inboundReading(entry: RTCInboundRtpStreamStats): InboundReading {
  return {
    id: entry.id,
    at: entry.timestamp,
    framesDecoded: entry.framesDecoded ?? 0,
    packetsReceived: entry.packetsReceived ?? 0,
    bytesReceived: entry.bytesReceived ?? 0,
    packetsLost: entry.packetsLost ?? 0,
    width: entry.frameWidth ?? 0,
    height: entry.frameHeight ?? 0,
    frozen: entry.totalFreezesDuration ?? 0,
    concealed: (entry.concealedSamples ?? 0) - (entry.silentConcealedSamples ?? 0),
    samples: entry.totalSamplesReceived ?? 0,
  };
}

export function entriesOf<Entry extends RTCStats>(report: RTCStatsReport, type: RTCStatsType): Entry[] {
  const found: Entry[] = [];
  report.forEach((entry: RTCStats) => {
    if (entry.type === type) found.push(entry as Entry);
  });
  return found;
}

function worst(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? Math.max(...known) : null;
}
