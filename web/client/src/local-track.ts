import type { TrackKind, TrackSource } from "./generated/protocol.ts";

/** A track that this client publishes. Change it through the room. */
export class LocalTrack {
  private currentId = newId("t");
  private isMuted = false;
  private carried: MediaStreamTrack;
  /** Aborted when it carries another track, and when it is not published any more. */
  private carrying = new AbortController();

  constructor(
    mediaTrack: MediaStreamTrack,
    readonly source: TrackSource,
  ) {
    this.carried = mediaTrack;
  }

  /** What is sent now; another one after `replaceTrack`, and when its device is switched. */
  get mediaTrack(): MediaStreamTrack {
    return this.carried;
  }

  /** Kept while the call moves; only a room that is entered anew makes another. */
  get id(): string {
    return this.currentId;
  }

  get kind(): TrackKind {
    return this.carried.kind === "audio" ? "audio" : "video";
  }

  get muted(): boolean {
    return this.isMuted;
  }

  /** @internal Until this track is replaced or not published any more. */
  get signal(): AbortSignal {
    return this.carrying.signal;
  }

  /** @internal */
  setMuted(muted: boolean): void {
    this.isMuted = muted;
    this.carried.enabled = !muted;
  }

  /** @internal */
  carry(mediaTrack: MediaStreamTrack): void {
    this.release();
    this.carried = mediaTrack;
    this.carrying = new AbortController();
    mediaTrack.enabled = !this.isMuted;
  }

  /** @internal */
  release(): void {
    this.carrying.abort();
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
