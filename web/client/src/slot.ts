import type { PublishedTrack } from "./generated/protocol.ts";
import type { LocalTrack } from "./local-track.ts";
import { Latest } from "./timing.ts";

/** From high to low: Janus takes the order of the rids for the order of the layers. Bits per second. */
const SIMULCAST: RTCRtpEncodingParameters[] = [
  { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 1_200_000 },
  { rid: "m", scaleResolutionDownBy: 2, maxBitrate: 400_000 },
  { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 120_000 },
];
const CAMERA: RTCRtpEncodingParameters[] = [{ maxBitrate: 1_200_000 }];
const SCREEN: RTCRtpEncodingParameters[] = [{ maxBitrate: 2_500_000 }];

/** One sending m-section of a publisher, used again for the next track of its kind when its track has ended. */
export class Slot {
  /** What it carries now; null when it is free. */
  track: LocalTrack | null = null;
  private readonly transceiver: RTCRtpTransceiver;
  private readonly active: Latest<boolean>;

  constructor(
    pc: RTCPeerConnection,
    track: LocalTrack,
    private readonly simulcast: boolean,
    private readonly failed: (error: unknown) => void,
  ) {
    this.transceiver = pc.addTransceiver(track.mediaTrack, {
      direction: "sendonly",
      sendEncodings: encodings(track, simulcast),
    });
    this.active = new Latest((active) => this.setActive(active), failed);
    this.track = track;
    this.applyMute();
  }

  fits(track: LocalTrack, simulcast: boolean): boolean {
    const { kind } = this.transceiver.receiver.track;
    return this.track === null && kind === track.kind && this.simulcast === simulcast;
  }

  carry(track: LocalTrack): void {
    this.track = track;
    this.transceiver.direction = "sendonly";
    this.transceiver.sender.replaceTrack(track.mediaTrack).catch(this.failed);
    this.applyMute();
  }

  /** Stops sending at once. The m-section stays: a stopped first one would end the transport (Chromium). */
  free(): void {
    this.track = null;
    this.transceiver.direction = "inactive";
    this.transceiver.sender.replaceTrack(null).catch(this.failed);
  }

  /** Of a muted track nothing is sent, not even black or silence. */
  applyMute(): void {
    if (this.track) this.active.push(!this.track.muted);
  }

  /** As an offer lists it, once the m-section has its name. */
  published(): PublishedTrack | null {
    const { track, simulcast } = this;
    const { mid } = this.transceiver;
    return track && mid !== null
      ? { id: track.id, mid, kind: track.kind, source: track.source, simulcast }
      : null;
  }

  private async setActive(active: boolean): Promise<void> {
    const { sender } = this.transceiver;
    const parameters = sender.getParameters();
    if (parameters.encodings.every((encoding) => encoding.active === active)) return;
    for (const encoding of parameters.encodings) encoding.active = active;
    await sender.setParameters(parameters);
  }
}

function encodings(track: LocalTrack, simulcast: boolean): RTCRtpEncodingParameters[] {
  if (track.kind === "audio") return [{}];
  if (simulcast) return SIMULCAST;
  return track.source === "screen" ? SCREEN : CAMERA;
}
