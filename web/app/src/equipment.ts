import {
  type DeviceError,
  type DeviceKind,
  type DeviceList,
  Devices,
  type LocalDevice,
  type Room,
} from "@nexusvibe/client";
import { useSyncExternalStore } from "react";
import { prefer, preferences } from "./preferences.ts";

export const KINDS: readonly DeviceKind[] = ["camera", "microphone"];

/** One device, as the page shows it. */
export interface DeviceView {
  readonly device: LocalDevice | null;
  readonly mediaTrack: MediaStreamTrack | null;
  readonly deviceId: string;
  /** Switched on by the person, whether or not it is there. */
  readonly on: boolean;
  /** The code of why it is missing; null when it is there, or nobody has asked for it yet. */
  readonly problem: string | null;
}

export interface EquipmentView extends Record<DeviceKind, DeviceView> {
  readonly list: DeviceList;
  /** The browser asks the person now. */
  readonly asking: boolean;
}

/** The camera and microphone of this machine: what was granted, and what the person has switched on. */
export class Equipment {
  readonly devices = new Devices({ camera: { width: { ideal: 1280 }, height: { ideal: 720 } } });
  private readonly on: Record<DeviceKind, boolean> = { camera: true, microphone: true };
  private readonly problems = new Map<DeviceKind, string>();
  private readonly listeners = new Set<() => void>();
  private asked: Promise<void> | null = null;
  private needed = false;
  private shown: EquipmentView = this.look();

  constructor() {
    this.devices.on("changed", () => this.changed());
    this.devices.on("opened", ({ kind }) => {
      this.problems.delete(kind);
      if (!this.needed) this.devices.closeDevice(kind); // allowed after the person had left
    });
    this.devices.on("lost", ({ kind }, error) => this.problems.set(kind, error.code));
  }

  readonly view = (): EquipmentView => this.shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Asks for what is missing: both at once, for one question to the person. Asked meanwhile again, waits for it. */
  async ask(): Promise<void> {
    this.needed = true;
    this.asked ??= this.request().finally(() => {
      this.asked = null;
      this.changed();
    });
    this.changed();
    await this.asked;
  }

  /** Takes another device from now on; one that can't be opened is a problem of its kind. */
  async choose(kind: DeviceKind, deviceId: string): Promise<void> {
    prefer({ [kind]: deviceId });
    await this.open(kind);
  }

  /** Switches a device without a room; one that is missing is asked for. */
  async toggle(kind: DeviceKind): Promise<void> {
    this.set(kind, this.devices[kind] ? !this.on[kind] : true);
    if (!this.devices[kind]) await this.ask();
  }

  set(kind: DeviceKind, on: boolean): void {
    this.on[kind] = on;
    this.changed();
  }

  /** Sends in this room what there is, and what comes while it lasts: people join before they have been asked. */
  serve(room: Room): void {
    const publish = (device: LocalDevice) => {
      if (!room.localTrack(device.kind)) room.publishDevice(device, { muted: !this.on[device.kind] });
    };
    for (const kind of KINDS) if (this.devices[kind]) publish(this.devices[kind]);
    const served = this.devices.on("opened", publish);
    room.on("disconnected", served);
  }

  /** Camera and microphone go off, until they are asked for again. */
  close(): void {
    this.needed = false;
    for (const kind of KINDS) this.devices.closeDevice(kind);
  }

  private async request(): Promise<void> {
    const missing = KINDS.filter((kind) => !this.devices[kind]);
    if (missing.length < KINDS.length) {
      for (const kind of missing) await this.open(kind);
      return;
    }
    const { camera, microphone } = preferences();
    const wishes = { ...(camera && { camera }), ...(microphone && { microphone }) };
    const failures = await this.devices.openAll(wishes);
    for (const kind of KINDS) this.note(kind, failures.get(kind));
  }

  private async open(kind: DeviceKind): Promise<void> {
    const failure = await this.devices.open(kind, preferences()[kind] || undefined).then(
      () => undefined,
      (error: unknown) => error as DeviceError, // what `open` rejects with
    );
    this.note(kind, failure);
    this.changed();
  }

  private note(kind: DeviceKind, failure: DeviceError | undefined): void {
    if (failure) this.problems.set(kind, failure.code);
    else this.problems.delete(kind);
  }

  private changed(): void {
    this.shown = this.look();
    for (const kind of KINDS) {
      const { mediaTrack, on } = this.shown[kind];
      if (mediaTrack) mediaTrack.enabled = on;
    }
    for (const listener of this.listeners) listener();
  }

  private look(): EquipmentView {
    const view = (kind: DeviceKind): DeviceView => {
      const device = this.devices[kind];
      return {
        device,
        mediaTrack: device?.mediaTrack ?? null,
        deviceId: device?.deviceId ?? "",
        on: this.on[kind],
        problem: this.problems.get(kind) ?? null,
      };
    };
    return {
      list: this.devices.list,
      asking: this.asked !== null,
      camera: view("camera"),
      microphone: view("microphone"),
    };
  }
}

export function useEquipment(equipment: Equipment): EquipmentView {
  return useSyncExternalStore(equipment.subscribe, equipment.view);
}
