import { asDeviceError, DeviceError } from "./errors.ts";
import type { RemoteTrack } from "./remote-tracks.ts";

/** Plays what others say and share, each track in an element of its own that is no part of the page. */
export class Sound {
  private readonly playing = new Map<
    string,
    { readonly whose: string; readonly element: HTMLAudioElement }
  >();
  private readonly volumes = new Map<string, number>();
  private speaker = "";
  private isBlocked = false;

  /** `blocked` is told whether the browser wants a click before it plays anything. */
  constructor(
    private readonly blockedChanged: (blocked: boolean) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  get blocked(): boolean {
    return this.isBlocked;
  }

  add({ track, participant, mediaTrack }: RemoteTrack): void {
    if (track.kind !== "audio") return;
    const element = this.playing.get(track.id)?.element ?? new Audio();
    element.srcObject = new MediaStream([mediaTrack]);
    element.volume = this.volumes.get(participant.id) ?? 1;
    this.playing.set(track.id, { whose: participant.id, element });
    if (this.speaker !== "") element.setSinkId(this.speaker).catch(this.failed);
    this.plays(element).then((plays) => {
      if (!plays) this.setBlocked(true);
    }, this.failed);
  }

  remove({ track }: RemoteTrack): void {
    const { element } = this.playing.get(track.id) ?? {};
    if (!element) return;
    this.playing.delete(track.id);
    element.srcObject = null;
    if (this.playing.size === 0) this.setBlocked(false);
  }

  /** Plays all that was blocked. Works in the handler of a click or a key. */
  async start(): Promise<void> {
    const plays = await Promise.all([...this.playing.values()].map(({ element }) => this.plays(element)));
    this.setBlocked(plays.includes(false));
  }

  /** Rejects with `DeviceError`. */
  async setSpeaker(deviceId: string): Promise<void> {
    if (!("setSinkId" in HTMLMediaElement.prototype)) throw new DeviceError("device_unsupported", "speaker");
    try {
      await Promise.all([...this.playing.values()].map(({ element }) => element.setSinkId(deviceId)));
      this.speaker = deviceId;
    } catch (error) {
      throw asDeviceError(error, "speaker");
    }
  }

  setVolume(participant: string, volume: number): void {
    this.volumes.set(participant, volume);
    for (const { whose, element } of this.playing.values())
      if (whose === participant) element.volume = volume;
  }

  close(): void {
    for (const { element } of this.playing.values()) element.srcObject = null;
    this.playing.clear();
  }

  /** False: the browser wants a click first. */
  private async plays(element: HTMLAudioElement): Promise<boolean> {
    try {
      await element.play();
      return true;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      if (error.name === "NotAllowedError") return false;
      if (error.name === "AbortError") return true; // the next track, or the end, came first
      throw error;
    }
  }

  private setBlocked(blocked: boolean): void {
    if (this.isBlocked === blocked) return;
    this.isBlocked = blocked;
    this.blockedChanged(blocked);
  }
}
