import { asNexusVibeError, ConnectionLost, type Loss, ServerError } from "./errors.ts";
import {
  type ClientMessage,
  CloseCode,
  type ErrorMessage,
  FINAL_CLOSE_CODES,
  type Reply,
  type ServerMessage,
  SUBPROTOCOL,
} from "./generated/protocol.ts";
import { Deadline, type Deferred, deferred } from "./timing.ts";

export type Result = Reply["result"];
export type ServerEvent = Exclude<ServerMessage, Reply | ErrorMessage>;
/** What a caller says; the connection adds the `id`. */
export type Outgoing = ClientMessage extends infer Message
  ? Message extends unknown
    ? Omit<Message, "id">
    : never
  : never;

export interface Timing {
  /** How long a websocket may take to open. */
  readonly openMs: number;
  /** How often the server is asked for a sign of life, and how long it may take. */
  readonly pingMs: number;
  /** How long it may take when there is a reason to doubt the connection. */
  readonly checkMs: number;
  /** How long any other reply may take: after that the connection is taken for broken, and resumed. */
  readonly replyMs: number;
}

export const TIMING: Timing = { openMs: 5000, pingMs: 5000, checkMs: 2500, replyMs: 15_000 };

export interface ConnectionHandlers {
  /** Events in the order in which they came; none after `lost` has resolved. */
  event(event: ServerEvent): void;
  /** The server's complaint about a message that had no `id`. */
  complaint(error: ServerError): void;
}

interface Waiting {
  readonly reply: Deferred<Result>;
  readonly deadline: Deadline;
  readonly accept: ((result: Result) => void) | undefined;
}

const BROKEN = {
  connection_lost: "The connection was lost.",
  server_unreachable: "The server can't be reached.",
  no_answer: "The server does not answer.",
  events_missing: "The server's messages were incomplete.",
};

function brokenBecause(reason: keyof typeof BROKEN): Loss {
  return { reason, message: BROKEN[reason], final: false };
}

/** One websocket: requests and their replies, signs of life, and the check that no event is missing. */
export class Connection {
  /** Resolves when the connection is over, whoever ended it. */
  readonly lost: Promise<Loss>;

  private readonly loss: Deferred<Loss> = deferred();
  private readonly pending = new Map<number, Waiting>();
  private readonly pinger: ReturnType<typeof setInterval>;
  private nextId = 1;
  private lastSeq: number | null = null;
  private alive = true;

  /** Rejects with `ConnectionLost`. */
  static async open(url: string, handlers: ConnectionHandlers, timing: Timing): Promise<Connection> {
    const socket = new WebSocket(url, SUBPROTOCOL);
    await opened(socket, timing.openMs);
    return new Connection(socket, handlers, timing);
  }

  private constructor(
    private readonly socket: WebSocket,
    private readonly handlers: ConnectionHandlers,
    private readonly timing: Timing,
  ) {
    this.lost = this.loss.promise;
    socket.onmessage = (message) => this.receive(JSON.parse(String(message.data)) as ServerMessage);
    socket.onclose = (close) => this.end(lossOf(close));
    this.pinger = setInterval(() => this.ping(), timing.pingMs);
  }

  /**
   * The result, or `ServerError`, or `ConnectionLost` when the connection ended first. `accept` sees the result before
   * any event that follows it.
   */
  request(
    message: Outgoing,
    accept?: (result: Result) => void,
    timeoutMs = this.timing.replyMs,
  ): Promise<Result> {
    if (!this.alive) return Promise.reject(new ConnectionLost(brokenBecause("connection_lost")));
    const id = this.nextId++;
    const reply = deferred<Result>();
    const deadline = new Deadline(timeoutMs, () => this.end(brokenBecause("no_answer")));
    this.pending.set(id, { reply, deadline, accept });
    this.socket.send(JSON.stringify({ ...message, id }));
    return reply.promise;
  }

  /** Without waiting for anything. A message after the end is dropped. */
  send(message: Outgoing): void {
    if (this.alive) this.socket.send(JSON.stringify(message));
  }

  /** Asks for a sign of life now, and takes the connection for broken sooner than usual. */
  check(): void {
    this.ping(this.timing.checkMs);
  }

  /** Ends the connection now: a network that is gone would let the closing handshake wait. */
  end(loss: Loss): void {
    if (!this.alive) return;
    this.alive = false;
    clearInterval(this.pinger);
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
    for (const id of [...this.pending.keys()]) this.settle(id)?.reply.reject(new ConnectionLost(loss));
    this.loss.resolve(loss);
  }

  private receive(message: ServerMessage): void {
    if (message.type === "reply") {
      this.replied(message);
    } else if (message.type === "error") {
      const error = new ServerError(message);
      if (message.id == null) this.handlers.complaint(error);
      else this.settle(message.id)?.reply.reject(error);
    } else if (this.lastSeq !== null && message.seq !== this.lastSeq + 1) {
      this.end(brokenBecause("events_missing"));
    } else {
      this.lastSeq = message.seq;
      this.handlers.event(message);
    }
  }

  private replied({ id, result }: Reply): void {
    const waiting = this.settle(id);
    try {
      waiting?.accept?.(result);
      waiting?.reply.resolve(result);
    } catch (error) {
      waiting?.reply.reject(asNexusVibeError(error));
    }
  }

  private settle(id: number): Waiting | undefined {
    const waiting = this.pending.get(id);
    this.pending.delete(id);
    waiting?.deadline.cancel();
    return waiting;
  }

  private ping(timeoutMs = this.timing.pingMs): void {
    // A refused ping is a sign of life too, and a lost connection is told by `lost`.
    this.request({ type: "ping" }, undefined, timeoutMs).catch(() => undefined);
  }
}

function opened(socket: WebSocket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (open: boolean) => {
      clearTimeout(timer);
      socket.onopen = null;
      socket.onerror = null;
      if (open) {
        resolve();
      } else {
        socket.close();
        reject(new ConnectionLost(brokenBecause("server_unreachable")));
      }
    };
    const timer = setTimeout(() => settle(false), timeoutMs);
    socket.onerror = () => settle(false);
    socket.onopen = () => settle(true);
  });
}

function lossOf({ code, reason }: CloseEvent): Loss {
  if (!FINAL_CLOSE_CODES.has(code)) return brokenBecause("connection_lost");
  const name = Object.entries(CloseCode).find(([, value]) => value === code)?.[0];
  return {
    reason: name?.toLowerCase() ?? "ended",
    message: reason || "The server ended the session.",
    final: true,
  };
}
