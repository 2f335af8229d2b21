import type { Device, Devices } from "./devices.ts";
import { find, say, showToggle } from "./dom.ts";
import { NO_NAME, WAITING } from "./sentences.ts";

/** Before joining: a name, a look at oneself, and the choice of microphone and camera. */
export class Lobby {
  private readonly view = find("[data-view=lobby]");
  private readonly form = find<HTMLFormElement>("form", this.view);
  private readonly name = find<HTMLInputElement>("input", this.form);
  private readonly submit = find<HTMLButtonElement>("[data-testid=join]", this.view);
  private readonly notice = find("[data-testid=notice]", this.view);
  private readonly waiting = find("[data-testid=waiting]", this.view);
  private readonly stop = find("[data-testid=stop-waiting]", this.view);
  private readonly note = find("[data-part=preview-note]", this.view);
  private readonly video = find<HTMLVideoElement>("video", this.view);

  constructor(
    private readonly devices: Devices,
    private readonly join: (name: string) => void,
    leave: () => void,
  ) {
    this.stop.addEventListener("click", leave);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submitted();
    });
    for (const button of this.toggles()) {
      button.addEventListener("click", () => {
        void this.devices.toggle(deviceOf(button)).then(() => this.refresh());
      });
    }
  }

  /**
   * Shows the lobby, with a sentence about what went wrong before. Without an invitation nobody can join; one that
   * names its bearer leaves no name to choose.
   */
  async show(sentence: string | null, invited: boolean, name: string | null): Promise<void> {
    this.view.hidden = false;
    this.submit.disabled = !invited;
    this.busy(false);
    say(this.notice, sentence);
    if (name !== null || this.name.readOnly) this.name.value = name ?? "";
    this.name.readOnly = name !== null;
    (this.name.readOnly ? this.submit : this.name).focus();
    await this.devices.request();
    this.refresh();
  }

  busy(joining: boolean): void {
    this.submit.textContent = joining ? "Joining…" : "Join";
    if (joining) this.submit.disabled = true;
    this.waits(false);
  }

  /** Others decide now when the call begins. */
  waits(waiting: boolean): void {
    say(this.waiting, waiting ? WAITING : null);
    this.stop.hidden = !waiting;
    this.submit.hidden = waiting;
  }

  hide(): void {
    this.view.hidden = true;
    this.video.srcObject = null;
  }

  private submitted(): void {
    const name = this.name.value.trim();
    if (name === "") {
      say(this.notice, NO_NAME);
      this.name.focus();
      return;
    }
    say(this.notice, null);
    this.busy(true);
    this.join(name);
  }

  private refresh(): void {
    for (const button of this.toggles()) showToggle(button, this.devices.live(deviceOf(button)));
    const { camera } = this.devices.tracks;
    const shown = camera !== null && this.devices.live("camera");
    this.video.srcObject = shown ? new MediaStream([camera]) : null;
    this.video.hidden = !shown;
    this.note.textContent = shown ? "" : (this.devices.problem ?? "Your camera is off.");
  }

  private toggles(): HTMLElement[] {
    return [...this.view.querySelectorAll<HTMLElement>("[data-device]")];
  }
}

export function deviceOf(button: HTMLElement): Device {
  return button.dataset.device === "mic" ? "mic" : "camera";
}
