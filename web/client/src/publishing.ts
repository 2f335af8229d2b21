import { captureScreen } from "./capture.ts";
import { NotAllowedHere, NotInRoom } from "./errors.ts";
import type { Participant, Track, TrackSource } from "./generated/protocol.ts";
import type { LocalDevice } from "./local-device.ts";
import { LocalTrack } from "./local-track.ts";
import { Latest } from "./timing.ts";

export interface PublishOptions {
  readonly muted?: boolean;
}

export interface ScreenShareOptions {
  /** Whether the person is offered to share what is heard too. Not every system can. */
  readonly sound?: boolean;
  /** What matters when the network is narrow: that text can be read, or that films move. */
  readonly hint?: "text" | "motion";
}

/** What this client shares of its screen. */
export interface ScreenShare {
  readonly video: LocalTrack;
  /** Null when no sound is shared. */
  readonly audio: LocalTrack | null;
  /** Ends both. The browser's own button does the same. */
  stop(): void;
}

/** What publishing has to know of the room, and whom it tells. */
export interface PublishingHandlers {
  me(): Participant | null;
  /** Whether the room knows the track. */
  announced(track: string): boolean;
  /** These are to be sent from now on. */
  send(tracks: readonly LocalTrack[]): void;
  /** A track is muted, unmuted, or carries something else. */
  altered(): void;
  /** Resolves once the server has taken it. */
  announceMute(track: string, muted: boolean): Promise<unknown>;
  /** A moderator has done this to a track of ours. */
  muted(track: LocalTrack): void;
  stopped(track: LocalTrack): void;
  changed(): void;
  failed(error: unknown): void;
}

/** What this client sends: its tracks, whether they are muted, and what moderators have decided about them. */
export class Publishing {
  private current: readonly LocalTrack[] = [];
  private share: ScreenShare | null = null;
  private readonly muteUpdates = new Map<LocalTrack, Latest<boolean>>();
  /** Ends the listening to the device of each track that has one. */
  private readonly followed = new Map<LocalTrack, () => void>();
  private over = false;

  constructor(private readonly handlers: PublishingHandlers) {}

  get tracks(): readonly LocalTrack[] {
    return this.current;
  }

  /** A track that may not be sent waits: it is sent once that is allowed. */
  get allowed(): readonly LocalTrack[] {
    const allowed = this.handlers.me()?.permissions.publish;
    return this.current.filter(({ source }) => allowed?.includes(source) ?? true);
  }

  get screenShare(): ScreenShare | null {
    return this.share;
  }

  publish(mediaTrack: MediaStreamTrack, source: TrackSource, { muted = false }: PublishOptions): LocalTrack {
    const track = this.add(mediaTrack, source, muted);
    this.endsWithItsMedia(track);
    return track;
  }

  publishDevice(device: LocalDevice, { muted = false }: PublishOptions): LocalTrack {
    const track = this.add(device.mediaTrack, device.kind, muted);
    const forget = [
      device.on("replaced", (mediaTrack) => {
        track.carry(mediaTrack);
        this.altered();
      }),
      device.on("closed", () => this.unpublish(track)),
    ];
    this.followed.set(track, () => forget.forEach((stop) => stop()));
    return track;
  }

  replace(track: LocalTrack, mediaTrack: MediaStreamTrack): void {
    if (mediaTrack.kind !== track.kind) throw new TypeError(`A track of ${track.kind} stays one.`);
    track.carry(mediaTrack);
    this.endsWithItsMedia(track);
    this.altered();
  }

  unpublish(track: LocalTrack): void {
    this.muteUpdates.delete(track);
    this.forget(track);
    if (this.current.includes(track)) this.set(this.current.filter((other) => other !== track));
  }

  setMuted(track: LocalTrack, muted: boolean): void {
    track.setMuted(muted);
    if (this.handlers.announced(track.id)) this.announce(track);
    this.altered();
  }

  async shareScreen({ sound = true, hint = "text" }: ScreenShareOptions): Promise<ScreenShare> {
    const allowed = this.handlers.me()?.permissions.publish;
    if (allowed && !allowed.includes("screen")) throw new NotAllowedHere("share your screen");
    const stream = await captureScreen(sound && (allowed?.includes("screen_audio") ?? true));
    if (this.over) {
      for (const track of stream.getTracks()) track.stop();
      throw new NotInRoom();
    }
    this.share?.stop();
    const [picture] = stream.getVideoTracks();
    const [heard] = stream.getAudioTracks();
    if (!picture) throw new TypeError("The browser shares a screen without a picture.");
    picture.contentHint = hint === "text" ? "detail" : "motion";
    const video = this.publish(picture, "screen", {});
    const audio = heard ? this.publish(heard, "screen_audio", {}) : null;
    const share: ScreenShare = { video, audio, stop: () => this.endShare(share) };
    this.share = share;
    this.handlers.changed();
    return share;
  }

  /** What a moderator has decided about this participant holds at once. */
  follow({ stopped }: Participant): void {
    this.handlers.send(this.allowed);
    for (const track of this.current.filter(({ id }) => stopped.includes(id))) {
      this.unpublish(track);
      this.handlers.stopped(track);
    }
  }

  /** An offer does not say that a track is muted: once the room knows the track, it is told. */
  published(track: Track): void {
    const mine = this.find(track);
    if (mine && mine.muted !== track.muted) this.announce(mine);
  }

  /** Our own mute is answered after the room has told of it, so that any other is a moderator's. */
  updated(track: Track): void {
    const mine = this.find(track);
    if (!mine || mine.muted || !track.muted || this.muteUpdates.get(mine)?.settled === false) return;
    mine.setMuted(true);
    this.handlers.altered();
    this.handlers.muted(mine);
  }

  /** The room was entered anew, where every track needs an id of its own. */
  renew(): void {
    for (const track of this.current) track.renew();
  }

  /** The room is over. Tracks and devices belong to the page, but not a screen: nobody else could end it. */
  close(): void {
    this.over = true;
    this.share?.stop();
    for (const track of this.current) this.forget(track);
  }

  private forget(track: LocalTrack): void {
    this.followed.get(track)?.();
    this.followed.delete(track);
    track.release();
  }

  private add(mediaTrack: MediaStreamTrack, source: TrackSource, muted: boolean): LocalTrack {
    const track = new LocalTrack(mediaTrack, source);
    track.setMuted(muted);
    this.set([...this.current, track]);
    return track;
  }

  private endsWithItsMedia(track: LocalTrack): void {
    const { mediaTrack, signal } = track;
    mediaTrack.addEventListener("ended", () => this.unpublish(track), { once: true, signal });
  }

  private endShare(share: ScreenShare): void {
    for (const track of [share.video, share.audio]) {
      if (!track) continue;
      this.unpublish(track);
      track.mediaTrack.stop();
    }
  }

  private announce(track: LocalTrack): void {
    const known = this.muteUpdates.get(track);
    const updates =
      known ??
      new Latest<boolean>(
        (muted) => this.handlers.announceMute(track.id, muted),
        (error) => {
          if (this.current.includes(track)) this.handlers.failed(error);
        },
      );
    if (!known) this.muteUpdates.set(track, updates);
    updates.push(track.muted);
  }

  private find({ id }: Track): LocalTrack | undefined {
    return this.current.find((track) => track.id === id);
  }

  private altered(): void {
    this.handlers.altered();
    this.handlers.changed();
  }

  private set(tracks: readonly LocalTrack[]): void {
    this.current = tracks;
    const { share } = this;
    if (share && !tracks.includes(share.video)) {
      this.share = null;
      share.stop(); // its sound ends with its picture
    }
    this.handlers.send(this.allowed);
    this.handlers.changed();
  }
}
