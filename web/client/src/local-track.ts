import type { TrackKind, TrackSource } from "./generated/protocol.ts";

/** A track that this client publishes. Change it through the room. */
export class LocalTrack {
  private currentId = newId("t");
  private isMuted = false;

  constructor(
    readonly mediaTrack: MediaStreamTrack,
    readonly source: TrackSource,
  ) {}

  /** Kept while the call moves; only a room that is entered anew makes another. */
  get id(): string {
    return this.currentId;
  }

  get kind(): TrackKind {
    return this.mediaTrack.kind === "audio" ? "audio" : "video";
  }

  get muted(): boolean {
    return this.isMuted;
  }

  /** @internal */
  setMuted(muted: boolean): void {
    this.isMuted = muted;
    this.mediaTrack.enabled = !muted;
  }

  /** @internal */
  renew(): void {
    this.currentId = newId("t");
  }
}

/** An id such as `t_Jw8hT0cQ3kVb2xZl`: 96 random bits. */
export function newId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  const text = btoa(String.fromCharCode(...bytes));
  return `${prefix}_${text.replaceAll("+", "-").replaceAll("/", "_")}`;
}
