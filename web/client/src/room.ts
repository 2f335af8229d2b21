import type { Outgoing, Result, ServerEvent } from "./connection.ts";
import type { Wish } from "./demand.ts";
import { deviceId } from "./device.ts";
import { asNexusVibeError, ConnectionLost, NotInRoom } from "./errors.ts";
import type { JoinedResult, Participant, ResumedResult, Track, TrackSource } from "./generated/protocol.ts";
import { LocalTrack } from "./local-track.ts";
import { Media } from "./media.ts";
import { isOver } from "./peer.ts";
import { Reception, type WantedTrack } from "./reception.ts";
import type { RemoteTrack } from "./remote-tracks.ts";
import type { RoomConnection } from "./room-events.ts";
import { RoomRequests } from "./room-requests.ts";
import { Signaling, type SignalingHandlers } from "./signaling.ts";
import { EMPTY_ROOM, reduce, replace, type RoomChange, type RoomState, type Step } from "./state.ts";
import type { TrackStats } from "./stats.ts";
import { type Deferred, deferred, Latest } from "./timing.ts";

export interface JoinOptions {
  /** Says who joins which room. */
  readonly token: string;
  /** How the others see this participant, when the token leaves it open. */
  readonly name?: string;
  /**
   * What a moderator can ban together with this participant: 16 to 64 letters of base64url, the same at each join from
   * this device. Left out, a random one is made and kept in this origin's `localStorage`; null: none is told.
   */
  readonly device?: string | null;
  /** Where this client is, in the service's words for its regions. Left out, the service guesses. */
  readonly region?: string;
}

/** One stay in one room. Join once; after `disconnected` take a new one. */
export class Room extends RoomRequests {
  private signaling: Signaling | null = null;
  private readonly media: Media;
  private roomState: RoomState = EMPTY_ROOM;
  private roomConnection: RoomConnection = "new";
  private participant: Participant | null = null;
  private readonly admission: Deferred<Participant> = deferred();
  private tracks: readonly LocalTrack[] = [];
  private readonly reception: Reception;
  private readonly muteUpdates = new Map<LocalTrack, Latest<boolean>>();

  /** `servers` are websocket URLs of one control plane's replicas; lost connections are restored at the next one. */
  constructor(private readonly servers: readonly string[]) {
    super();
    this.admission.promise.catch(() => undefined); // `disconnected` tells it too
    const failed = (error: unknown) => this.report(error);
    this.reception = new Reception({
      room: () => this.roomState,
      mayReceive: () => this.participant?.permissions.subscribe ?? true,
      remoteTracks: () => this.remoteTracks,
      readings: async () => this.media.readings(),
      subscribe: async (message) => this.deliver(message),
      quality: (report) => this.emit("quality", report),
      failed,
    });
    this.media = new Media({
      describe: async (message) => this.session().request(message),
      trickle: (message) => this.signaling?.send(message),
      failed,
      room: () => this.roomState,
      me: () => this.participant?.id ?? "",
      expects: (id) => this.reception.expects(id),
      subscribed: (remote) => this.tellRemote("trackSubscribed", remote),
      unsubscribed: (remote) => this.tellRemote("trackUnsubscribed", remote),
      ready: (epoch) => void this.deliver({ type: "ready", epoch }).catch(failed),
    });
  }

  get state(): RoomState {
    return this.roomState;
  }

  get connection(): RoomConnection {
    return this.roomConnection;
  }

  /** This client's own participant, null before the room is joined. */
  get me(): Participant | null {
    return this.participant;
  }

  get localTracks(): readonly LocalTrack[] {
    return this.tracks;
  }

  /** What is received now, by track id. */
  get remoteTracks(): ReadonlyMap<string, RemoteTrack> {
    return this.media.remoteTracks;
  }

  /**
   * Enters the room. Resolves once this client is in, which may take until a moderator lets it in: `connection` is
   * `waiting` then. Rejects with `ServerError` when it is refused, `ConnectionLost` when no server can be reached or
   * nobody lets it in.
   */
  async join({ token, name, device = deviceId(), region }: JoinOptions): Promise<Participant> {
    if (this.roomConnection !== "new") throw new TypeError("A Room is joined once: take a new one.");
    const signaling = new Signaling(
      { servers: this.servers, token, name: name ?? null, device, region: region ?? null },
      this.signalingHandlers(),
    );
    this.signaling = signaling;
    this.setConnection("joining");
    try {
      await signaling.start();
    } catch (error) {
      const reason = asNexusVibeError(error);
      this.end(reason);
      throw reason;
    }
    return this.admission.promise;
  }

  /** Gives the place up at once. Local tracks are not stopped: they belong to the caller. */
  leave(): void {
    this.signaling?.leave();
    this.end({ code: "left", message: "You left the room." });
  }

  /**
   * Sends a track from now on, also in every place that the call moves to. May be called before `join`. A source that
   * this participant may not publish is sent as soon as it may.
   */
  publish(mediaTrack: MediaStreamTrack, source: TrackSource, options: { muted?: boolean } = {}): LocalTrack {
    const track = new LocalTrack(mediaTrack, source);
    track.setMuted(options.muted ?? false);
    mediaTrack.addEventListener("ended", () => this.unpublish(track), { once: true });
    this.setTracks([...this.tracks, track]);
    return track;
  }

  /** Stops sending a track. A track that is not sent is a no-op. */
  unpublish(track: LocalTrack): void {
    this.muteUpdates.delete(track);
    if (this.tracks.includes(track)) this.setTracks(this.tracks.filter((other) => other !== track));
  }

  /** Nothing of a muted track leaves this machine; the others are told that it is muted. */
  setMuted(track: LocalTrack, muted: boolean): void {
    track.setMuted(muted);
    this.media.applyMute();
    if (this.roomState.tracks.has(track.id)) this.announceMute(track);
    this.emit("changed");
  }

  /** The whole set of tracks to receive; null, as at first, means every track in the room. */
  setWanted(tracks: readonly WantedTrack[] | null): void {
    this.reception.setWanted(tracks);
  }

  /**
   * Says that `element` shows the picture of this track, until the returned function is called: its size decides the
   * layer that is asked for, and out of sight the picture is paused. Sound is never paused.
   */
  attach(track: string, element: Element): () => void {
    return this.reception.attach(track, element);
  }

  /** What to receive of this track, whatever is shown and whatever the network bears; null: that decides again. */
  setLayer(track: string, wish: Wish | null): void {
    this.reception.setLayer(track, wish);
  }

  /** Counters of each subscribed track; compare two readings. */
  async stats(): Promise<TrackStats[]> {
    return this.media.stats();
  }

  private signalingHandlers(): SignalingHandlers {
    return {
      joined: (result) => this.joined(result),
      resumed: (result) => this.resumed(result),
      event: (event) => this.receive(event),
      reconnecting: () => this.setConnection("reconnecting"),
      complaint: (error) => {
        if (!isOver(error)) this.report(error); // candidates are the only messages without an id
      },
      ended: (error) => this.end(error),
      connections: () => this.media.connections(),
    };
  }

  private joined({ participant, snapshot, placement, lobby }: JoinedResult): void {
    if (this.participant) {
      // The place was not kept: another participant, whose media begin anew and whose tracks need ids of their own.
      this.media.close();
      for (const track of this.tracks) track.renew();
    }
    this.participant = participant;
    this.apply(replace(this.roomState, snapshot));
    if (lobby) this.setConnection("waiting");
    else this.cameIn(participant, placement);
  }

  private resumed({ participant, snapshot, placement, lobby, repair }: ResumedResult): void {
    this.participant = participant;
    this.apply(replace(this.roomState, snapshot));
    if (lobby) this.setConnection("waiting");
    else this.cameIn(participant, placement, repair);
  }

  private cameIn(
    participant: Participant,
    placement: JoinedResult["placement"],
    repair?: ResumedResult["repair"],
  ): void {
    this.media.setLocalTracks(this.allowedTracks());
    if (repair) this.media.resumed(repair);
    this.media.place(placement);
    this.reception.connected();
    this.setConnection("connected");
    this.admission.resolve(participant);
  }

  private receive(event: ServerEvent): void {
    if (event.type === "lobby.admitted") this.participant = event.participant;
    this.apply(reduce(this.roomState, event));
    if (event.type === "lobby.admitted") this.cameIn(event.participant, event.placement);
    this.media.handle(event);
  }

  private apply({ state, changes }: Step): void {
    this.roomState = state;
    if (changes.length === 0) return;
    this.follow(state.participants.get(this.participant?.id ?? ""));
    for (const change of changes) this.tell(change);
    this.media.refresh();
    this.reception.update();
    this.emit("changed");
  }

  private tell(change: RoomChange): void {
    switch (change.type) {
      case "participantJoined":
      case "participantUpdated":
      case "moderatorChanged":
        this.emit(change.type, change.participant);
        break;
      case "policyChanged":
        this.emit(change.type, change.policy);
        break;
      case "lobbyWaiting":
        this.emit(change.type, change.waiting);
        break;
      case "lobbyLeft":
        this.emit(change.type, change.waiting, change.reason);
        break;
      case "participantLeft":
        this.emit(change.type, change.participant, change.reason);
        break;
      case "chat":
        this.emit(change.type, change.message);
        break;
      case "trackPublished":
        this.agreeOnMute(change.track);
        this.emit(change.type, change.track);
        break;
      case "trackUpdated":
        this.obeyMute(change.track);
        this.emit(change.type, change.track);
        break;
      default:
        this.emit(change.type, change.track);
    }
  }

  /** What a moderator has changed about this participant holds at once. */
  private follow(me: Participant | undefined): void {
    if (!me || me === this.participant) return;
    this.participant = me;
    this.media.setLocalTracks(this.allowedTracks());
    for (const track of this.tracks.filter(({ id }) => me.stopped.includes(id))) {
      this.unpublish(track);
      this.emit("stopped", track);
    }
  }

  /** A track that may not be sent waits here: it is sent once that is allowed. */
  private allowedTracks(): LocalTrack[] {
    const allowed = this.participant?.permissions.publish;
    return this.tracks.filter(({ source }) => allowed?.includes(source) ?? true);
  }

  /** An offer does not say that a track is muted: once the room knows the track, it is told. */
  private agreeOnMute(track: Track): void {
    const mine = this.tracks.find(({ id }) => id === track.id);
    if (mine && mine.muted !== track.muted) this.announceMute(mine);
  }

  /** Our own mute is answered after the room has told of it, so that any other is a moderator's. */
  private obeyMute(track: Track): void {
    const mine = this.tracks.find(({ id }) => id === track.id);
    if (!mine || mine.muted || !track.muted || this.muteUpdates.get(mine)?.settled === false) return;
    mine.setMuted(true);
    this.media.applyMute();
    this.emit("muted", mine);
  }

  private announceMute(track: LocalTrack): void {
    const known = this.muteUpdates.get(track);
    const updates =
      known ??
      new Latest<boolean>(
        async (muted) => this.deliver({ type: "track.update", track: track.id, muted }),
        (error) => {
          if (this.tracks.includes(track)) this.report(error);
        },
      );
    if (!known) this.muteUpdates.set(track, updates);
    updates.push(track.muted);
  }

  private tellRemote(name: "trackSubscribed" | "trackUnsubscribed", remote: RemoteTrack): void {
    this.emit(name, remote);
    this.emit("changed");
  }

  private setTracks(tracks: readonly LocalTrack[]): void {
    this.tracks = tracks;
    this.media.setLocalTracks(this.allowedTracks());
    this.emit("changed");
  }

  private setConnection(connection: RoomConnection): void {
    this.roomConnection = connection;
    this.emit("connectionChanged", connection);
    this.emit("changed");
  }

  private session(): Signaling {
    if (!this.signaling || this.roomConnection === "disconnected") throw new NotInRoom();
    return this.signaling;
  }

  protected async deliver(message: Outgoing): Promise<Result> {
    return this.session().deliver(message);
  }

  private end({ code, message }: { code: string; message: string }): void {
    if (this.roomConnection === "disconnected") return;
    this.reception.close();
    this.media.close();
    this.setConnection("disconnected");
    this.admission.reject(new ConnectionLost({ reason: code, message, final: true }));
    this.emit("disconnected", { code, message });
  }

  private report(error: unknown): void {
    if (this.roomConnection !== "disconnected") this.emit("error", asNexusVibeError(error));
  }
}
