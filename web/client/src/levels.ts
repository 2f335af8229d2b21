import { entriesOf } from "./stats.ts";

/** A source is silent when no packet of it was played for so long, in ms. */
const SILENT_AFTER_MS = 500;

interface Heard {
  rtpTimestamp: number;
  at: number;
}

/** Reads how loud each received track is, from the packets where they tell (RFC 6464) and else from the counters. */
export class SoundLevels {
  private readonly heard = new WeakMap<RTCRtpReceiver, Heard>();

  async look(
    pc: RTCPeerConnection,
    receivers: ReadonlyMap<string, RTCRtpReceiver>,
  ): Promise<ReadonlyMap<string, number>> {
    const levels = new Map<string, number>();
    const untold = new Map<string, string>(); // the receiver's MediaStreamTrack → the track
    for (const [track, receiver] of receivers) {
      if (receiver.track.kind !== "audio") continue;
      const [source] = receiver.getSynchronizationSources();
      const plays = source !== undefined && this.plays(receiver, source.rtpTimestamp);
      levels.set(track, plays ? (source.audioLevel ?? 0) : 0);
      if (plays && source.audioLevel === undefined) untold.set(receiver.track.id, track);
    }
    if (untold.size === 0) return levels;
    for (const entry of entriesOf<RTCInboundRtpStreamStats>(await pc.getStats(), "inbound-rtp")) {
      const track = untold.get(entry.trackIdentifier);
      if (track !== undefined) levels.set(track, entry.audioLevel ?? 0);
    }
    return levels;
  }

  /** Sources stay listed for ten seconds after their last packet. */
  private plays(receiver: RTCRtpReceiver, rtpTimestamp: number): boolean {
    const now = performance.now();
    const before = this.heard.get(receiver);
    if (before?.rtpTimestamp === rtpTimestamp) return now - before.at < SILENT_AFTER_MS;
    this.heard.set(receiver, { rtpTimestamp, at: now });
    return true;
  }
}
