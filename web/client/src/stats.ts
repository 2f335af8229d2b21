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

/** What a receiver has got (RFC 8834, webrtc-stats `inbound-rtp`); zeros before the first packet. */
export async function inboundStats(receiver: RTCRtpReceiver): Promise<InboundStats> {
  const total = { framesDecoded: 0, packetsReceived: 0, bytesReceived: 0 };
  const report = await receiver.getStats();
  report.forEach((entry: RTCStats) => {
    if (entry.type !== "inbound-rtp") return;
    const { framesDecoded = 0, packetsReceived = 0, bytesReceived = 0 } = entry as RTCInboundRtpStreamStats;
    total.framesDecoded += framesDecoded;
    total.packetsReceived += packetsReceived;
    total.bytesReceived += bytesReceived;
  });
  return total;
}
