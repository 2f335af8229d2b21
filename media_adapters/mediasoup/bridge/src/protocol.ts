// What the adapter (media_adapters/mediasoup, Python) and this bridge say to each other.
//
// One JSON object per line (UTF-8, at most MAX_LINE bytes) over a Unix socket. The adapter asks
//   {"id": 7, "method": "publish", "params": {…}}
// and gets exactly one answer, in whatever order the work is done:
//   {"id": 7, "result": {…}}   or   {"id": 7, "error": {"code": "invalid_description", "message": "…"}}
// What happens unasked comes as {"event": "…", …}, in the order in which it happened.
//
// Error codes are those of the media contract (media_adapters/errors.py); anything unforeseen is "media_error".
// Names (rooms, connections, producers) are chosen by the adapter and never used twice. All that was made over a
// socket is closed with it.

export const MAX_LINE = 4 << 20;

export type Layer = "high" | "medium" | "low";

/**
 * `producer` stays the same from offer to offer for as long as the track goes on. `layered`: it has spatial layers.
 * `muted`: nothing of it is forwarded from its first packet on.
 */
export type OfferedTrack = { mid: string; producer: string; layered: boolean; muted: boolean };

export type Wanted = { producer: string; layer: Layer };

/** How a line is to be sent; a `layer` of null leaves that as it is. */
export type Adjusted = { mid: string; layer: Layer | null; paused: boolean };

/** An m-section of a subscriber's offer that carries media, and whose. */
export type Line = { mid: string; producer: string };

export type CodecOfTap = {
  name: string;
  payload_type: number;
  clock_rate: number;
  channels: number | null;
  parameters: string;
  ssrc: number;
};

export type Census = {
  pid: number;
  routers: number;
  transports: number;
  producers: number;
  consumers: number;
  received: Record<string, number>; // bytes so far, by producer
};

/** Every method: what it is asked with, and what it answers. */
export type Methods = {
  describe: [params: object, result: { version: string; workers: number }];
  /** `pids` are those of the bridge and of its workers, whose CPU time is the SFU's. */
  load: [params: object, result: { pids: number[] }];
  /** What each worker itself says it holds. For tests and for operators in need. */
  dump: [params: object, result: { workers: Census[] }];
  open_room: [
    params: { room: string; audio_codecs: string[]; video_codecs: string[]; max_bitrate: number },
    result: object,
  ];
  close_room: [params: { room: string }, result: object];
  /** `live` are the mids whose media are taken: each has its producer now. The first offer makes the connection. */
  publish: [
    params: { room: string; connection: string; sdp: string; tracks: OfferedTrack[] },
    result: { sdp: string; live: string[] },
  ];
  mute: [params: { room: string; producer: string; muted: boolean }, result: object];
  /**
   * A new offer to a subscriber; the first makes the connection. `lines` is all that it carries: producers that are
   * gone are left out, those that flow already are not added again.
   */
  offer: [
    params: { room: string; connection: string; add: Wanted[]; remove: string[]; restart: boolean },
    result: { sdp: string; lines: Line[] },
  ];
  answer: [params: { room: string; connection: string; sdp: string }, result: object];
  /** Another layer, or nothing for a while, on lines of an offer: needs no new one. Goes on with a key frame. */
  adjust: [params: { room: string; connection: string; lines: Adjusted[] }, result: object];
  /**
   * Answers the offer of a player, which only receives: the first makes the connection and decides what it gets, later
   * ones restart ICE. `lines` tells which producers found a section that can have them; the others have none.
   */
  play: [
    params: { room: string; connection: string; sdp: string; wanted: Wanted[] },
    result: { sdp: string; lines: Line[] },
  ];
  close_connection: [params: { room: string; connection: string }, result: object];
  tap: [
    params: { room: string; producer: string; host: string; port: number; rtcp_port: number | null },
    result: { tap: string; codec: CodecOfTap },
  ];
  untap: [params: { room: string; tap: string }, result: object];
  request_key_frame: [params: { room: string; producer: string }, result: object];
};

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M][0];
export type Result<M extends Method> = Methods[M][1];

export type Event =
  /** ICE and DTLS are up. */
  | { event: "connected"; connection: string }
  /** Media began or ceased to arrive on a publisher. */
  | { event: "receiving"; connection: string; receiving: boolean }
  /** The connection is over and forgotten, with its producers; not told after `close_connection`. */
  | { event: "connection_closed"; connection: string; reason: string }
  /** The room is gone with all that was in it; not told after `close_room`. */
  | { event: "room_closed"; room: string; reason: string };

export type Request = { id: number; method: string; params: Record<string, unknown> };

export type Reply = { id: number; result: object } | { id: number; error: { code: string; message: string } };

/** A request, or null when the line is none. */
export function parseRequest(line: string): Request | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { id, method, params } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(id) || typeof method !== "string") return null;
  if (typeof params !== "object" || params === null) return null;
  return { id: id as number, method, params: params as Record<string, unknown> };
}
