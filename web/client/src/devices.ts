import {
  capture,
  type CaptureConstraints,
  type DeviceKind,
  type DeviceList,
  enumerate,
  mediaDevices,
  NO_DEVICES,
  ofKind,
} from "./capture.ts";
import { Emitter } from "./emitter.ts";
import { asDeviceError, DeviceError } from "./errors.ts";
import { LocalDevice } from "./local-device.ts";
import { Serial } from "./timing.ts";

export type SwitchReason = "chosen" | "unplugged" | "plugged_in";

export interface DeviceEvents {
  /** In use from now on; also by itself, when a device is plugged in after the last one of its kind was pulled. */
  opened: [device: LocalDevice];
  /** The same `LocalDevice` has another `mediaTrack`: of a device that was chosen, that was left after one was pulled, or
   * that was chosen before and is plugged in again. */
  switched: [device: LocalDevice, reason: SwitchReason];
  /** Pulled while there is no other, or not allowed any more. It is closed. */
  lost: [device: LocalDevice, error: DeviceError];
  /** Something was plugged in or pulled, or names became known because the person has allowed the use. */
  listChanged: [list: DeviceList];
  /** Said after all of the above, and when a device was closed. */
  changed: [];
}

const KINDS: readonly DeviceKind[] = ["camera", "microphone"];

/** The cameras, microphones and speakers of this machine: which there are, which are in use, and what happens to them. */
export class Devices extends Emitter<DeviceEvents> {
  private readonly inUse = new Map<DeviceKind, LocalDevice>();
  /** What the person has chosen by name, to go back to it when it is plugged in again. */
  private readonly chosen = new Map<DeviceKind, string>();
  /** Whose last device was pulled: the next one that comes is opened. */
  private readonly missed = new Set<DeviceKind>();
  private readonly turns = new Serial();
  private readonly closing = new AbortController();
  private listed: DeviceList = NO_DEVICES;

  /** `constraints` are asked for beside the device: size, frame rate, echo cancellation. */
  constructor(private readonly constraints: CaptureConstraints = {}) {
    super();
    const { signal } = this.closing;
    mediaDevices()?.addEventListener("devicechange", () => void this.plugged(), { signal });
  }

  /** As last looked at. Before the person has allowed their use, browsers tell no ids and no labels. */
  get list(): DeviceList {
    return this.listed;
  }

  get camera(): LocalDevice | null {
    return this.inUse.get("camera") ?? null;
  }

  get microphone(): LocalDevice | null {
    return this.inUse.get("microphone") ?? null;
  }

  /** Looks which devices there are. */
  async refresh(): Promise<DeviceList> {
    const list = await enumerate();
    if (JSON.stringify(list) === JSON.stringify(this.listed)) return this.listed;
    this.listed = list;
    this.emit("listChanged", list);
    this.emit("changed");
    return list;
  }

  /**
   * Opens a device, or switches to it: without `deviceId` to what the browser takes. Rejects with `DeviceError`; a device
   * that was in use then stays so.
   */
  async open(kind: DeviceKind, deviceId?: string): Promise<LocalDevice> {
    const device = await this.turns.run(() => this.take(kind, deviceId, "chosen"));
    if (deviceId !== undefined) this.chosen.set(kind, deviceId);
    await this.refresh();
    return device;
  }

  /**
   * Opens camera and microphone with one question to the person, and when that fails each alone. Resolves with what is
   * missing and why; with an empty map when both are open.
   */
  async openAll(
    wanted: Readonly<Partial<Record<DeviceKind, string>>> = {},
  ): Promise<ReadonlyMap<DeviceKind, DeviceError>> {
    const missing = new Map<DeviceKind, DeviceError>();
    await this.turns.run(async () => {
      if (await this.takeBoth(wanted)) return;
      for (const kind of KINDS) {
        if (this.inUse.has(kind)) continue;
        await this.take(kind, wanted[kind], "chosen").catch((error: unknown) =>
          missing.set(kind, asDeviceError(error, kind)),
        );
      }
    });
    await this.refresh();
    return missing;
  }

  /** Ends the use of a device: the light beside the camera goes out. */
  closeDevice(kind: DeviceKind): void {
    this.missed.delete(kind);
    const device = this.inUse.get(kind);
    if (!device) return;
    this.inUse.delete(kind);
    device.close();
    this.emit("changed");
  }

  /** Ends the use of all, for good. */
  close(): void {
    this.closing.abort();
    for (const kind of KINDS) this.closeDevice(kind);
  }

  private async takeBoth(wanted: Readonly<Partial<Record<DeviceKind, string>>>): Promise<boolean> {
    if (this.inUse.size > 0) return false;
    try {
      const tracks = await capture(new Map(KINDS.map((kind) => [kind, wanted[kind]])), this.constraints);
      for (const [kind, mediaTrack] of tracks) this.use(kind, mediaTrack, "chosen");
      return true;
    } catch {
      return false; // which of both it is, asking for each alone tells
    }
  }

  private async take(
    kind: DeviceKind,
    deviceId: string | undefined,
    why: SwitchReason,
  ): Promise<LocalDevice> {
    const mediaTrack = await this.captureOne(kind, deviceId);
    return this.use(kind, mediaTrack, why);
  }

  /** Some machines can't open two devices of a kind at once: then the one in use goes first, and comes back if need be. */
  private async captureOne(kind: DeviceKind, deviceId: string | undefined): Promise<MediaStreamTrack> {
    const one = (id: string | undefined) => this.captured(kind, id);
    const before = this.inUse.get(kind);
    try {
      return await one(deviceId);
    } catch (error) {
      if (!before || asDeviceError(error, kind).code !== "device_in_use") throw error;
      before.mediaTrack.stop();
      return one(deviceId).catch(async (again: unknown) => {
        this.use(kind, await one(before.deviceId), "chosen");
        throw again;
      });
    }
  }

  private async captured(kind: DeviceKind, deviceId: string | undefined): Promise<MediaStreamTrack> {
    const mediaTrack = (await capture(new Map([[kind, deviceId]]), this.constraints)).get(kind);
    if (!mediaTrack) throw new DeviceError("device_not_found", kind);
    return mediaTrack;
  }

  private use(kind: DeviceKind, mediaTrack: MediaStreamTrack, why: SwitchReason): LocalDevice {
    if (this.closing.signal.aborted) {
      mediaTrack.stop();
      throw new DeviceError("device_failed", kind);
    }
    this.missed.delete(kind);
    const known = this.inUse.get(kind);
    const device = known ?? new LocalDevice(kind, mediaTrack);
    mediaTrack.addEventListener("ended", () => void this.ended(device, mediaTrack), { once: true });
    if (known) known.switchTo(mediaTrack);
    else this.inUse.set(kind, device);
    if (known) this.emit("switched", device, why);
    else this.emit("opened", device);
    this.emit("changed");
    return device;
  }

  /** Pulled, or not allowed any more: browsers say no more than that it has ended. */
  private ended(device: LocalDevice, mediaTrack: MediaStreamTrack): Promise<void> {
    return this.turns.run(async () => {
      if (this.inUse.get(device.kind) !== device || device.mediaTrack !== mediaTrack) return;
      await this.replace(device);
    });
  }

  private plugged(): Promise<void> {
    return this.turns.run(async () => {
      await this.refresh();
      for (const kind of KINDS) await this.follow(kind);
    });
  }

  private async follow(kind: DeviceKind): Promise<void> {
    const there = (id: string) => ofKind(this.listed, kind).some(({ deviceId }) => deviceId === id);
    const device = this.inUse.get(kind);
    const chosen = this.chosen.get(kind);
    if (device && device.deviceId !== "" && !there(device.deviceId)) await this.replace(device);
    else if (device && chosen !== undefined && chosen !== device.deviceId && there(chosen)) {
      await this.take(kind, chosen, "plugged_in").catch(() => undefined); // the one in use will do
    } else if (!device && this.missed.has(kind) && ofKind(this.listed, kind).length > 0) {
      await this.take(kind, undefined, "plugged_in").catch(() => undefined); // the person may still open it
    }
  }

  private async replace(device: LocalDevice): Promise<void> {
    const { kind } = device;
    await this.refresh();
    try {
      await this.take(kind, undefined, "unplugged");
    } catch (error) {
      const reason = asDeviceError(error, kind);
      if (this.inUse.get(kind) !== device) return; // closed meanwhile
      this.inUse.delete(kind);
      if (reason.code === "device_not_found") this.missed.add(kind);
      device.close();
      this.emit("lost", device, reason);
      this.emit("changed");
    }
  }
}
