import { captureFailure } from "./sentences.ts";

export type Device = "mic" | "camera";

/** The camera and microphone of this machine: what was granted, and what the person has switched on. */
export class Devices {
  readonly tracks: Record<Device, MediaStreamTrack | null> = { mic: null, camera: null };
  readonly on: Record<Device, boolean> = { mic: true, camera: true };
  /** Why something is missing, as a sentence; null when nothing is. */
  problem: string | null = null;
  /** Told of each device that comes, also late: people join before they have answered the browser's question. */
  arrived: (device: Device) => void = () => undefined;

  /** Whether the device is there and switched on. */
  live(device: Device): boolean {
    return this.on[device] && this.tracks[device] !== null;
  }

  /** Asks for what is missing: both at once, for one question to the person, and else each alone. */
  async request(): Promise<void> {
    if (await this.capture({ audio: !this.tracks.mic, video: !this.tracks.camera })) return;
    const { problem } = this;
    const heard = await this.capture({ audio: !this.tracks.mic, video: false });
    const seen = await this.capture({ audio: false, video: !this.tracks.camera });
    this.problem = heard && seen ? null : problem;
  }

  /** Switches a device; one that is missing is asked for. */
  async toggle(device: Device): Promise<void> {
    if (this.tracks[device]) {
      this.on[device] = !this.on[device];
      this.tracks[device].enabled = this.on[device];
    } else {
      this.on[device] = true;
      await this.request();
    }
  }

  stop(): void {
    for (const device of ["mic", "camera"] as const) {
      this.tracks[device]?.stop();
      this.tracks[device] = null;
    }
  }

  private async capture({ audio, video }: { audio: boolean; video: boolean }): Promise<boolean> {
    if (!audio && !video) return true;
    try {
      const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
      const stream = await navigator.mediaDevices.getUserMedia({ audio, video: video && size });
      this.adopt("mic", stream.getAudioTracks()[0]);
      this.adopt("camera", stream.getVideoTracks()[0]);
      this.problem = null;
      return true;
    } catch (error) {
      this.problem = captureFailure(error);
      return false;
    }
  }

  private adopt(device: Device, track: MediaStreamTrack | undefined): void {
    if (!track) return;
    this.tracks[device] = track;
    track.enabled = this.on[device];
    track.addEventListener("ended", () => {
      if (this.tracks[device] === track) this.tracks[device] = null;
    });
    this.arrived(device);
  }
}
