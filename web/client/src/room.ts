import type { Outgoing, Result, ServerEvent } from "./connection.ts";
import { deviceId } from "./device.ts";
import { asNexusVibeError, ConnectionLost, NotInRoom } from "./errors.ts";
import type { JoinedResult, Participant, ResumedResult } from "./generated/protocol.ts";
import { watchNetwork } from "./network.ts";
import { isOver } from "./peer.ts";
import type { RoomConnection } from "./room-events.ts";
import { RoomMedia, type RoomOptions } from "./room-media.ts";
import { Signaling, type SignalingHandlers } from "./signaling.ts";
import { reduce, replace, type RoomChange, type Step } from "./state.ts";
import { type Deferred, deferred } from "./timing.ts";

export interface JoinOptions {
  /**
   * Says who joins which room. A function is asked at each join: also when the place was not kept during a long outage, and
   * the first token may have expired.
   */
  readonly token: string | (() => Promise<string>);
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
export class Room extends RoomMedia {
  private signaling: Signaling | null = null;
  private roomConnection: RoomConnection = "new";
  private lostAt: number | null = null;
  private readonly admission: Deferred<Participant> = deferred();
  private readonly over = new AbortController();

  /** `servers` are websocket URLs of one control plane's replicas; lost connections are restored at the next one. */
  constructor(
    private readonly servers: readonly string[],
    options: RoomOptions = {},
  ) {
    super(options);
    this.admission.promise.catch(() => undefined); // `disconnected` tells it too
  }

  get connection(): RoomConnection {
    return this.roomConnection;
  }

  /** Since when the connection to the server is being restored (as `Date.now()`); null while there is one. */
  get reconnectingSince(): number | null {
    return this.lostAt;
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
    this.watchNetwork(signaling);
    try {
      await signaling.start();
    } catch (error) {
      const reason = asNexusVibeError(error);
      this.end(reason);
      throw reason;
    }
    return this.admission.promise;
  }

  /** Gives the place up at once. Local tracks are not stopped: they belong to the caller; a shared screen is. */
  leave(): void {
    this.signaling?.leave();
    this.end({ code: "left", message: "You left the room." });
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

  private watchNetwork(signaling: Signaling): void {
    const changed = () => {
      signaling.hurry();
      this.media.renewIce();
    };
    watchNetwork({ changed, awake: () => signaling.hurry() }, this.over.signal);
  }

  private joined({ participant, snapshot, placement, lobby }: JoinedResult): void {
    if (this.participant) {
      // The place was not kept: another participant, whose media begin anew and whose tracks need ids of their own.
      this.media.close();
      this.publishing.renew();
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
    this.media.setLocalTracks(this.publishing.allowed);
    if (repair) this.media.resumed(repair);
    this.media.place(placement);
    this.reception.connected();
    this.listening.begin();
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
      case "message":
        this.emit(change.type, change.message);
        break;
      case "trackPublished":
        this.publishing.published(change.track);
        this.emit(change.type, change.track);
        break;
      case "trackUpdated":
        this.publishing.updated(change.track);
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
    this.publishing.follow(me);
  }

  private setConnection(connection: RoomConnection): void {
    this.roomConnection = connection;
    this.lostAt = connection === "reconnecting" ? (this.lostAt ?? Date.now()) : null;
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

  protected async request(message: Outgoing): Promise<Result> {
    return this.session().request(message);
  }

  protected trickle(message: Outgoing): void {
    this.signaling?.send(message);
  }

  private end({ code, message }: { code: string; message: string }): void {
    if (this.roomConnection === "disconnected") return;
    this.over.abort();
    this.endMedia();
    this.setConnection("disconnected");
    this.admission.reject(new ConnectionLost({ reason: code, message, final: true }));
    this.emit("disconnected", { code, message });
  }

  protected report(error: unknown): void {
    if (this.roomConnection !== "disconnected") this.emit("error", asNexusVibeError(error));
  }
}
