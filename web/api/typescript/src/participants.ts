import type {
  AttributeSet,
  Ban,
  KickRequest,
  Participant,
  ParticipantBanRequest,
  Permissions,
  PermissionsChange,
  TrackSource,
} from "./generated/models.ts";
import type { ANYWAY, Http, Once, Seen } from "./http.ts";

/** Who is in a room now. A participant's id is another in each stay. */
export class Participants {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  list(room: string, { identity }: { identity?: string } = {}): AsyncGenerator<Participant> {
    return this.http.pages(["rooms", room, "participants"], "participants", { identity });
  }

  get(room: string, participant: string): Promise<Participant> {
    return this.http.get(path(room, participant));
  }

  /** Send them away, and close the tokens that were issued until now. */
  kick(room: string, participant: string, request: KickRequest = {}): Promise<void> {
    return this.http.act("POST", path(room, participant, "kick"), request);
  }

  /** Send them away, and keep their identity out. */
  ban(room: string, participant: string, request: ParticipantBanRequest = {}, once: Once = {}): Promise<Ban> {
    return this.http.make(path(room, participant, "ban"), request, once);
  }

  /** Only they can unmute. */
  mute(room: string, participant: string, source: TrackSource): Promise<void> {
    return this.http.act("POST", path(room, participant, "mute"), { source });
  }

  muteTrack(room: string, participant: string, track: string): Promise<void> {
    return this.http.act("POST", path(room, participant, "tracks", track, "mute"));
  }

  stopTrack(room: string, participant: string, track: string): Promise<void> {
    return this.http.act("DELETE", path(room, participant, "tracks", track));
  }

  lowerHand(room: string, participant: string): Promise<void> {
    return this.http.act("DELETE", path(room, participant, "hand"));
  }

  /** Let somebody in who waits in the lobby. */
  admit(room: string, participant: string): Promise<void> {
    return this.http.act("POST", path(room, participant, "admit"));
  }

  /** Send somebody away who waits in the lobby. */
  deny(room: string, participant: string): Promise<void> {
    return this.http.act("POST", path(room, participant, "deny"));
  }

  permissions(room: string, participant: string, known?: Seen<Permissions>): Promise<Seen<Permissions>> {
    return this.http.read(path(room, participant, "permissions"), known);
  }

  /** Only what is given changes; tracks that may not be sent any more end at once. */
  updatePermissions(
    room: string,
    participant: string,
    before: Seen<Permissions> | typeof ANYWAY,
    changes: PermissionsChange,
  ): Promise<Seen<Permissions>> {
    return this.http.change(path(room, participant, "permissions"), before, changes);
  }

  attributes(room: string, participant: string, known?: Seen<AttributeSet>): Promise<Seen<AttributeSet>> {
    return this.http.read(path(room, participant, "attributes"), known);
  }

  /** What is left out stays; null removes one. */
  updateAttributes(
    room: string,
    participant: string,
    before: Seen<AttributeSet> | typeof ANYWAY,
    attributes: Record<string, string | null>,
  ): Promise<Seen<AttributeSet>> {
    return this.http.change(path(room, participant, "attributes"), before, { attributes });
  }
}

function path(room: string, participant: string, ...what: string[]): string[] {
  return ["rooms", room, "participants", participant, ...what];
}
