import { type LocalTrack, NexusVibeError, type Room, type TrackSource } from "@nexusvibe/client";
import { Chat } from "./chat.ts";
import { Door } from "./door.ts";
import type { Device, Devices } from "./devices.ts";
import { find, say, showToggle } from "./dom.ts";
import { Grid } from "./grid.ts";
import { Hand } from "./hand.ts";
import { deviceOf } from "./lobby.ts";
import { CHAT_FAILED, CONNECTION, MODERATOR_NOW, MUTED, SOUND_BLOCKED, STOPPED } from "./sentences.ts";

const NOTICE_MS = 8000;
const SOURCES: Record<Device, TrackSource> = { mic: "microphone", camera: "camera" };

/** The room on the screen, from joining to leaving. */
export class Call {
  private readonly view = find("[data-view=call]");
  private readonly state = find("[data-testid=state]");
  private readonly notice = find("[data-testid=call-notice]");
  private readonly left = new AbortController();
  private readonly grid: Grid;
  private readonly door: Door;
  private readonly hand: Hand;
  private noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly room: Room,
    private readonly devices: Devices,
  ) {
    const { signal } = this.left;
    const failed = (error: unknown) =>
      this.tell(error instanceof NexusVibeError ? error.message : String(error));
    this.grid = new Grid(room, () => this.soundBlocked(), failed, signal);
    this.door = new Door(room, failed, signal);
    this.hand = new Hand(room, failed, signal);
    new Chat(room, () => this.tell(CHAT_FAILED), signal);
    for (const device of ["mic", "camera"] as const) this.publish(device);
    devices.arrived = (device) => this.publish(device);
    room.on("changed", () => this.refresh());
    room.on("error", failed);
    room.on("muted", (track) => this.silenced(track, MUTED));
    room.on("stopped", (track) => this.silenced(track, STOPPED));
    room.on("moderatorChanged", ({ id }) => {
      if (id === room.me?.id) this.tell(MODERATOR_NOW);
    });
    for (const button of this.toggles()) {
      button.addEventListener("click", () => void this.toggle(deviceOf(button)), { signal });
    }
    find("[data-testid=leave]").addEventListener("click", () => this.room.leave(), { signal });
    addEventListener("pagehide", () => this.room.leave(), { signal });
  }

  show(): void {
    this.view.hidden = false;
    this.refresh();
  }

  close(): void {
    this.left.abort();
    this.devices.arrived = () => undefined;
    clearTimeout(this.noticeTimer);
    say(this.notice, null);
    this.grid.clear();
    this.view.hidden = true;
  }

  private refresh(): void {
    this.state.textContent = CONNECTION[this.room.connection];
    this.state.dataset.state = this.room.connection;
    find("[data-part=room-name]", this.view).textContent = this.room.state.room;
    for (const button of this.toggles()) {
      const local = this.local(deviceOf(button));
      showToggle(button, local !== undefined && !local.muted);
    }
    this.grid.refresh();
    this.door.refresh();
    this.hand.refresh();
  }

  /** A moderator did it: the button says so, and pressing it again is up to the person. */
  private silenced({ source }: LocalTrack, sentence: string): void {
    for (const device of ["mic", "camera"] as const) {
      if (SOURCES[device] === source) this.devices.on[device] = false;
    }
    this.tell(sentence);
  }

  private async toggle(device: Device): Promise<void> {
    const local = this.local(device);
    if (local) {
      this.devices.on[device] = local.muted;
      this.room.setMuted(local, !local.muted);
      return;
    }
    await this.devices.toggle(device);
    if (this.devices.problem) this.tell(this.devices.problem);
  }

  private publish(device: Device): void {
    const track = this.devices.tracks[device];
    if (track && !this.local(device))
      this.room.publish(track, SOURCES[device], { muted: !this.devices.on[device] });
  }

  private local(device: Device): LocalTrack | undefined {
    return this.room.localTracks.find(({ source }) => source === SOURCES[device]);
  }

  private soundBlocked(): void {
    this.tell(SOUND_BLOCKED);
    addEventListener("click", () => this.grid.playAll(), { once: true, signal: this.left.signal });
  }

  private tell(sentence: string): void {
    say(this.notice, sentence);
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => say(this.notice, null), NOTICE_MS);
  }

  private toggles(): HTMLElement[] {
    return [...this.view.querySelectorAll<HTMLElement>("[data-device]")];
  }
}
