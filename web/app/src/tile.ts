import type { Participant } from "@nexusvibe/client";
import { find } from "./dom.ts";
import { Signal, type Verdict } from "./quality.ts";

/** What a tile shows of somebody. */
export interface Presence {
  readonly participant: Participant;
  readonly self: boolean;
  readonly picture: MediaStreamTrack | null;
  /** The id of what is shown, when it is somebody else's. */
  readonly pictureTrack: string | null;
  /** A screen is shown as a whole, a face may be cropped. */
  readonly screen: boolean;
  readonly sound: MediaStreamTrack | null;
  readonly micOn: boolean;
  readonly cameraOn: boolean;
  /** Whether this person may be removed by the one who looks. */
  readonly removable: boolean;
  /** The place in line of those who raised their hands, null when theirs is down. */
  readonly inLine: number | null;
}

/** One person: their picture, or their initial while the camera is off, their name, and whether they can be heard. */
export class Tile {
  readonly element: HTMLElement;
  private readonly video: HTMLVideoElement;
  private readonly stream = new MediaStream();
  private readonly signal: Signal;
  private attached: { readonly track: string; readonly detach: () => void } | null = null;

  constructor(
    private readonly blocked: () => void,
    remove: () => void,
    mute: () => void,
    private readonly attach: (track: string, element: Element) => () => void,
  ) {
    const template = find<HTMLTemplateElement>("#tile").content.cloneNode(true) as DocumentFragment;
    this.element = find("article", template);
    this.video = find<HTMLVideoElement>("video", this.element);
    this.video.srcObject = this.stream;
    this.signal = new Signal(this.element);
    find("[data-testid=kick]", this.element).addEventListener("click", remove);
    find("[data-testid=mute-them]", this.element).addEventListener("click", mute);
  }

  show(presence: Presence): void {
    const { participant, self, picture, sound, micOn, cameraOn, removable } = presence;
    const { element, video } = this;
    const shownName = self ? `${participant.name} (you)` : participant.name;
    element.dataset.participant = participant.id;
    element.dataset.identity = participant.identity;
    element.classList.toggle("no-picture", !cameraOn || picture === null);
    element.classList.toggle("silent", !micOn);
    element.classList.toggle("away", !participant.connected);
    find(".avatar", element).textContent = initial(participant.name);
    find("[data-testid=tile-name]", element).textContent = participant.connected
      ? shownName
      : `${shownName} – reconnecting`;
    const kick = find("[data-testid=kick]", element);
    kick.hidden = !removable;
    kick.setAttribute("aria-label", `Remove ${participant.name} from the room`);
    const mute = find("[data-testid=mute-them]", element);
    mute.hidden = !removable || !micOn;
    mute.setAttribute("aria-label", `Mute ${participant.name}`);
    const hand = find("[data-testid=tile-hand]", element);
    hand.hidden = presence.inLine === null;
    find("[data-part=place]", hand).textContent = String(presence.inLine ?? "");
    video.classList.toggle("mirrored", self);
    video.classList.toggle("whole", presence.screen);
    video.muted = self; // one's own voice is not played back
    video.setAttribute("aria-label", `Video of ${participant.name}`);
    this.play([picture, self ? null : sound].filter((track) => track !== null));
    this.shows(presence.pictureTrack);
  }

  showQuality(name: string, verdict: Verdict | null): void {
    this.signal.show(name, verdict);
  }

  remove(): void {
    this.shows(null);
    this.element.remove();
  }

  /** Whose picture is received as large as this tile is, and only while it is on the screen. */
  private shows(track: string | null): void {
    if (this.attached?.track === track) return;
    this.attached?.detach();
    this.attached = track === null ? null : { track, detach: this.attach(track, this.video) };
  }

  /** The element keeps its stream while tracks come and go: no picture flashes when a call moves. */
  private play(tracks: readonly MediaStreamTrack[]): void {
    const before = this.stream.getTracks();
    const added = tracks.filter((track) => !before.includes(track));
    for (const track of before) if (!tracks.includes(track)) this.stream.removeTrack(track);
    for (const track of added) this.stream.addTrack(track);
    if (added.length > 0) this.start();
  }

  start(): void {
    this.video.play().catch((error: unknown) => {
      // AbortError: the tracks changed meanwhile, and the element plays the new ones.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.blocked();
    });
  }
}

/** The first letter as people see it, which may be several code points. */
function initial(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.toUpperCase());
  return first?.segment ?? "?";
}
