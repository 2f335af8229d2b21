import type {
  AttributeSet,
  Ban,
  BanRequest,
  IceServersAnswer,
  Message,
  MessageRequest,
  MintedToken,
  MoveRequest,
  Policy,
  PolicyChange,
  Room,
  RoomListed,
  RoomRequest,
  TokenRequest,
  Usage,
} from "./generated/models.ts";
import type { ANYWAY, Http, Once, Seen } from "./http.ts";

type Attributes = Record<string, string | null>;

export class Tokens {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  /** A room token, for one person's browser. */
  mint(grants: TokenRequest, once: Once = {}): Promise<MintedToken> {
    return this.http.make(["tokens"], grants, once);
  }
}

/** Rooms that were made, or that people are in now, and how they are run. */
export class Rooms {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  create(request: RoomRequest, once: Once = {}): Promise<Room> {
    return this.http.make(["rooms"], request, once);
  }

  list({ prefix }: { prefix?: string } = {}): AsyncGenerator<RoomListed> {
    return this.http.pages(["rooms"], "rooms", { prefix });
  }

  get(room: string): Promise<Room> {
    return this.http.get(["rooms", room]);
  }

  /** Move the call to another media server while it goes on; `get` tells when it is over, and where it is then. */
  move(room: string, to: MoveRequest): Promise<void> {
    return this.http.act("POST", ["rooms", room, "move"], to);
  }

  /** Send everybody away; how the room is run stays. */
  close(room: string): Promise<void> {
    return this.http.act("POST", ["rooms", room, "close"]);
  }

  /** Send everybody away and forget how the room is run; bans stay. */
  delete(room: string): Promise<void> {
    return this.http.act("DELETE", ["rooms", room]);
  }

  policy(room: string, known?: Seen<Policy>): Promise<Seen<Policy>> {
    return this.http.read(["rooms", room, "policy"], known);
  }

  /** Only what is given changes, at once for who is in the room. `before` is what `policy` returned, or `ANYWAY`. */
  updatePolicy(
    room: string,
    before: Seen<Policy> | typeof ANYWAY,
    changes: PolicyChange,
  ): Promise<Seen<Policy>> {
    return this.http.change(["rooms", room, "policy"], before, changes);
  }

  attributes(room: string, known?: Seen<AttributeSet>): Promise<Seen<AttributeSet>> {
    return this.http.read(["rooms", room, "attributes"], known);
  }

  /** What is left out stays; null removes one. */
  updateAttributes(
    room: string,
    before: Seen<AttributeSet> | typeof ANYWAY,
    attributes: Attributes,
  ): Promise<Seen<AttributeSet>> {
    return this.http.change(["rooms", room, "attributes"], before, { attributes });
  }
}

/** Who is kept out of a room, kicks too. */
export class Bans {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  list(room: string, { identity }: { identity?: string } = {}): AsyncGenerator<Ban> {
    return this.http.pages(["rooms", room, "bans"], "bans", { identity });
  }

  /** Keep an identity out, whether it is there now or not. */
  create(room: string, request: BanRequest, once: Once = {}): Promise<Ban> {
    return this.http.make(["rooms", room, "bans"], request, once);
  }

  delete(room: string, ban: string): Promise<void> {
    return this.http.act("DELETE", ["rooms", room, "bans", ban]);
  }
}

/** The chat of a room that people are in now. */
export class Messages {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  list(room: string): AsyncGenerator<Message> {
    return this.http.pages(["rooms", room, "messages"], "messages");
  }

  send(room: string, request: MessageRequest, once: Once = {}): Promise<Message> {
    return this.http.make(["rooms", room, "messages"], request, once);
  }
}

/** Relays, for who connects by other ways than a room; people in rooms are given theirs. */
export class Turn {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  /** Best first, with a credential for `user`, by whom use is counted. */
  iceServers(user: string, { region }: { region?: string } = {}): Promise<IceServersAnswer> {
    return this.http.get(["ice-servers"], { user, region });
  }

  /** What the people of a room relayed on the last days, and what it cost. */
  usage(room: string, { days }: { days?: number } = {}): Promise<Usage> {
    return this.http.get(["rooms", room, "usage"], { days: days?.toString() });
  }
}
