/** NexusVibe's REST API for servers: `new NexusVibe(url, key)`. */

import { Http, type Options } from "./http.ts";
import { Participants } from "./participants.ts";
import { Bans, Messages, Rooms, Tokens, Turn } from "./rooms.ts";

export { NexusVibeError, Refused, Unreachable } from "./errors.ts";
export type * from "./generated/models.ts";
export { ANYWAY, type Once, type Options, type Seen } from "./http.ts";

/**
 * Asks the REST API at `url` (any replica, or what stands before them) with an API key.
 *
 * Lists come as one stream over all their pages. What makes something carries an idempotency key; it and every question
 * are tried up to three times when no answer comes or the server says that it may be tried again.
 */
export class NexusVibe {
  readonly tokens: Tokens;
  readonly rooms: Rooms;
  readonly participants: Participants;
  readonly bans: Bans;
  readonly messages: Messages;
  readonly turn: Turn;

  constructor(url: string, key: string, options: Options = {}) {
    const http = new Http(url, key, options);
    this.tokens = new Tokens(http);
    this.rooms = new Rooms(http);
    this.participants = new Participants(http);
    this.bans = new Bans(http);
    this.messages = new Messages(http);
    this.turn = new Turn(http);
  }
}
