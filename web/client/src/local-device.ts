import type { DeviceKind } from "./capture.ts";
import { Emitter } from "./emitter.ts";

export interface LocalDeviceEvents {
  /** Of another device, and with the same `enabled`. The track before has been stopped. */
  replaced: [mediaTrack: MediaStreamTrack];
  closed: [];
}

/** A camera or microphone in use. It stays the same object when another device takes the place of the first. */
export class LocalDevice extends Emitter<LocalDeviceEvents> {
  private current: MediaStreamTrack;
  private over = false;

  /** @internal Made by `Devices`. */
  constructor(
    readonly kind: DeviceKind,
    mediaTrack: MediaStreamTrack,
  ) {
    super();
    this.current = mediaTrack;
  }

  /** What it captures now. Not to be stopped: `Devices.closeDevice` does. */
  get mediaTrack(): MediaStreamTrack {
    return this.current;
  }

  /** As in the list of devices; empty where the browser does not say. */
  get deviceId(): string {
    return this.current.getSettings().deviceId ?? "";
  }

  get label(): string {
    return this.current.label;
  }

  get closed(): boolean {
    return this.over;
  }

  /** @internal */
  switchTo(mediaTrack: MediaStreamTrack): void {
    const before = this.current;
    mediaTrack.enabled = before.enabled;
    this.current = mediaTrack;
    this.emit("replaced", mediaTrack);
    before.stop();
  }

  /** @internal */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.current.stop();
    this.emit("closed");
  }
}
