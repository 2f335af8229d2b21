import type { PublishedTrack } from "./generated/protocol.ts";
import type { LocalTrack } from "./local-track.ts";
import { Serial } from "./timing.ts";

/** From high to low: Janus takes the order of the rids for the order of the layers. Bits per second. */
const SIMULCAST: RTCRtpEncodingParameters[] = [
  { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 1_200_000 },
  { rid: "m", scaleResolutionDownBy: 2, maxBitrate: 400_000 },
  { rid: "l", scaleResolutionDownBy: 4, maxBitrate: 120_000 },
];
/** When the way up is too narrow, pictures give way to sound (W3C WebRTC Priority §4). */
const SOUND: RTCRtpEncodingParameters[] = [{ priority: "high", networkPriority: "high" }];
const CAMERA: RTCRtpEncodingParameters[] = [{ maxBitrate: 1_200_000 }];
const SCREEN: RTCRtpEncodingParameters[] = [{ maxBitrate: 2_500_000 }];
/** While data are saved. A shared screen stays as large as it is: its text is to be read. */
const SAVING_FPS = { camera: 15, screen: 5 };
const SAVING_SHARE = 1 / 3;
const FULL_FPS = 60;

/** One sending m-section of a publisher, used again for the next track of its kind when its track has ended. */
export class Slot {
  /** What it carries now; null when it is free. */
  track: LocalTrack | null = null;
  private readonly transceiver: RTCRtpTransceiver;
  private readonly encodings: RTCRtpEncodingParameters[];
  private readonly changes = new Serial();

  constructor(
    pc: RTCPeerConnection,
    track: LocalTrack,
    private readonly simulcast: boolean,
    private readonly failed: (error: unknown) => void,
  ) {
    this.encodings = encodingsFor(track, simulcast);
    this.transceiver = pc.addTransceiver(track.kind, { sendEncodings: this.encodings });
    if (track.source === "screen") this.keepSharp();
    this.carry(track);
  }

  fits(track: LocalTrack, simulcast: boolean): boolean {
    return this.track === null && this.encodings === encodingsFor(track, simulcast);
  }

  carry(track: LocalTrack): void {
    this.track = track;
    this.transceiver.direction = "sendonly";
    this.refresh();
  }

  /** Stops sending at once. The m-section stays: a stopped first one would end the transport (Chromium). */
  free(): void {
    this.track = null;
    this.transceiver.direction = "inactive";
    this.send(null);
  }

  /**
   * Of a muted track nothing is sent, not even black or silence. The encodings stay active: paused ones would go into
   * the next offer (RFC 8853, `~h`), which SFUs read differently.
   */
  refresh(): void {
    if (this.track) this.send(this.track.muted ? null : this.track.mediaTrack);
  }

  /** As an offer lists it, once the m-section has its name. */
  published(): PublishedTrack | null {
    const { track, simulcast } = this;
    const { mid } = this.transceiver;
    return track && mid !== null
      ? { id: track.id, mid, kind: track.kind, source: track.source, simulcast }
      : null;
  }

  /** Pictures get smaller and slower, or as they were; no layer is switched off, for that would need an offer. */
  saveData(saving: boolean): void {
    if (this.encodings === SOUND) return;
    this.change((parameters) => {
      parameters.encodings.forEach((encoding, index) => {
        Object.assign(encoding, economical(this.encodings[index] ?? {}, saving, this.encodings === SCREEN));
      });
    });
  }

  /** Text that can be read, rather less often, is what a shared screen is for. Browsers without a choice ignore it. */
  private keepSharp(): void {
    this.change((parameters) => {
      Object.assign(parameters, { degradationPreference: "maintain-resolution" });
    });
  }

  /** Parameters may be set again once they have been. */
  private change(edit: (parameters: RTCRtpSendParameters) => void): void {
    const { sender } = this.transceiver;
    this.changes
      .run(async () => {
        const parameters = sender.getParameters();
        edit(parameters);
        await sender.setParameters(parameters);
      })
      .catch(this.failed);
  }

  private send(mediaTrack: MediaStreamTrack | null): void {
    this.transceiver.sender.replaceTrack(mediaTrack).catch(this.failed);
  }
}

/** The same array for all tracks that may follow one another in a slot. */
function encodingsFor(track: LocalTrack, simulcast: boolean): RTCRtpEncodingParameters[] {
  if (track.kind === "audio") return SOUND;
  if (simulcast) return SIMULCAST;
  return track.source === "screen" ? SCREEN : CAMERA;
}

function economical(
  usual: RTCRtpEncodingParameters,
  saving: boolean,
  screen: boolean,
): RTCRtpEncodingParameters {
  const { scaleResolutionDownBy = 1, maxBitrate = 0 } = usual;
  if (!saving) return { scaleResolutionDownBy, maxBitrate, maxFramerate: FULL_FPS };
  return {
    scaleResolutionDownBy: screen ? scaleResolutionDownBy : 2 * scaleResolutionDownBy,
    maxBitrate: Math.round(maxBitrate * SAVING_SHARE),
    maxFramerate: screen ? SAVING_FPS.screen : SAVING_FPS.camera,
  };
}
