import {
  Connection,
  type Outgoing,
  type Result,
  type ServerEvent,
  type Timing,
  TIMING,
} from "./connection.ts";
import {
  asNexusVibeError,
  ConnectionLost,
  type Loss,
  NexusVibeError,
  NotInRoom,
  ServerError,
} from "./errors.ts";
import type { ConnectionState, JoinedResult, ResumedResult } from "./generated/protocol.ts";
import { type Deferred, deferred, Pause, retryDelay, wait } from "./timing.ts";

const JOIN_DEADLINE_MS = 15_000;
const DELIVERY_TRIES = 8;
const LEFT: Loss = { reason: "left", message: "You left.", final: true };

export interface SignalingOptions {
  /** Websocket URLs of the replicas. Each try goes to the next one. */
  readonly servers: readonly string[];
  /** The room token, or where to get a fresh one at each join. */
  readonly token: string | (() => Promise<string>);
  readonly name: string | null;
  /** Random, and the same at each join from here; null: none is told. */
  readonly device: string | null;
  readonly region: string | null;
  readonly timing?: Timing;
}

export interface SignalingHandlers {
  /** Entered the room, or entered it anew because the place was not kept. */
  joined(result: JoinedResult): void;
  /** The place in the room goes on over another connection. */
  resumed(result: ResumedResult): void;
  event(event: ServerEvent): void;
  /** The connection was lost and is being restored; the media are not touched by that. */
  reconnecting(): void;
  complaint(error: ServerError): void;
  /** The session is over and nothing more will come. */
  ended(error: NexusVibeError): void;
  /** Every peer connection as it is now, for `resume`. */
  connections(): ConnectionState[];
}

/** A session with the control plane that outlives its websockets: join, resume, retry, and the end. */
export class Signaling {
  private readonly stop = new AbortController();
  private readonly timing: Timing;
  private connection: Connection | null = null;
  private entered: Deferred<Connection> = deferred();
  private readonly pause = new Pause();
  private resumeToken: string | null = null;
  private tries = 0;

  constructor(
    private readonly options: SignalingOptions,
    private readonly handlers: SignalingHandlers,
  ) {
    this.timing = options.timing ?? TIMING;
    this.entered.promise.catch(() => undefined); // nobody has to wait for it
  }

  /** Enters the room. Rejects when the server refuses, or none can be reached within 15 s. */
  async start(): Promise<void> {
    try {
      const connection = await this.enter(Date.now() + JOIN_DEADLINE_MS);
      void this.keep(connection);
    } catch (error) {
      this.finish(asNexusVibeError(error));
      throw error;
    }
  }

  /** Once, now. Rejects with `ConnectionLost` when there is no connection, or it ends before the reply. */
  async request(message: Outgoing): Promise<Result> {
    if (!this.connection)
      throw new ConnectionLost({ reason: "connection_lost", message: "Reconnecting.", final: false });
    return this.connection.request(message);
  }

  /** Now or never, without a reply. */
  send(message: Outgoing): void {
    this.connection?.send(message);
  }

  /**
   * A request that survives lost connections and retryable refusals, for messages that may be said twice.
   * Rejects when the server refuses it for good, or the session ends.
   */
  async deliver(message: Outgoing): Promise<Result> {
    for (let attempt = 1; ;) {
      this.stop.signal.throwIfAborted();
      const connection = await this.entered.promise;
      try {
        return await connection.request(message);
      } catch (error) {
        if (error instanceof ConnectionLost && !error.loss.final) {
          await connection.lost; // go on with the next connection
        } else if (error instanceof ServerError && error.retryable && attempt < DELIVERY_TRIES) {
          await wait(error.retryAfterMs ?? retryDelay(attempt++), this.stop.signal);
        } else {
          throw error;
        }
      }
    }
  }

  /** There is a reason to think that the connection is dead, or that a new one would succeed now. */
  hurry(): void {
    this.connection?.check();
    this.pause.end();
  }

  /** Gives the place up. Nothing comes after this. */
  leave(): void {
    this.send({ type: "leave" });
    this.finish(new NotInRoom());
  }

  private finish(error: NexusVibeError): void {
    this.stop.abort(error);
    this.entered.reject(error);
    this.connection?.end({ reason: error.code, message: error.message, final: true });
    this.connection = null;
  }

  private async keep(connection: Connection): Promise<void> {
    try {
      for (let current = connection; ;) {
        const loss = await current.lost;
        if (this.stop.signal.aborted) return;
        this.connection = null;
        this.entered = deferred();
        this.entered.promise.catch(() => undefined);
        if (loss.final) throw new ConnectionLost(loss);
        this.handlers.reconnecting();
        current = await this.enter(Infinity);
      }
    } catch (error) {
      if (this.stop.signal.aborted) return;
      const reason = asNexusVibeError(error);
      this.finish(reason);
      this.handlers.ended(reason);
    }
  }

  /** Tries one server after another until one lets us in, or the next try would come after the deadline. */
  private async enter(deadline: number): Promise<Connection> {
    for (let attempt = 1; ; attempt++) {
      if (this.stop.signal.aborted) throw new NotInRoom();
      try {
        return await this.tryNextServer();
      } catch (error) {
        const reason = asNexusVibeError(error);
        const asked = reason instanceof ServerError ? (reason.retryAfterMs ?? 0) : 0;
        const pause = Math.max(retryDelay(attempt), asked);
        if (!reason.retryable || Date.now() + pause > deadline) throw reason;
        await this.pause.wait(pause, this.stop.signal);
      }
    }
  }

  private async tryNextServer(): Promise<Connection> {
    const url = this.options.servers[this.tries++ % this.options.servers.length];
    if (url === undefined) throw new TypeError("No server was given.");
    if (this.resumeToken !== null) {
      const connection = await this.open(url);
      if (await this.resume(connection, this.resumeToken)) return connection;
    }
    const connection = await this.open(url);
    await this.join(connection);
    return connection;
  }

  private async open(url: string): Promise<Connection> {
    const connection: Connection = await Connection.open(
      url,
      {
        event: (event) => this.receive(connection, event),
        complaint: (error) => this.handlers.complaint(error),
      },
      this.timing,
    );
    if (this.stop.signal.aborted) {
      connection.end(LEFT);
      throw new NotInRoom();
    }
    return connection;
  }

  private async join(connection: Connection): Promise<void> {
    const { name, device, region } = this.options;
    const token = await this.roomToken();
    await this.entering(connection, { type: "join", token, name, device, region });
  }

  /** Whoever makes tokens may be out of reach for as long as the network is away. */
  private async roomToken(): Promise<string> {
    const { token } = this.options;
    if (typeof token === "string") return token;
    try {
      return await token();
    } catch (error) {
      if (error instanceof NexusVibeError) throw error;
      throw new ConnectionLost({ reason: "no_token", message: "No invitation could be had.", final: false });
    }
  }

  /** False when the place is gone and the room has to be joined anew. */
  private async resume(connection: Connection, token: string): Promise<boolean> {
    try {
      await this.entering(connection, { type: "resume", token, connections: this.handlers.connections() });
      return true;
    } catch (error) {
      if (!(error instanceof ServerError) || error.code !== "resume_refused") throw error;
      this.resumeToken = null;
      return false;
    }
  }

  /** A connection that does not let us in is of no use any more. */
  private async entering(connection: Connection, message: Outgoing): Promise<void> {
    const leave = () => {
      connection.send({ type: "leave" }); // heard after the request, if that lets us in
      connection.end(LEFT);
    };
    this.stop.signal.addEventListener("abort", leave);
    try {
      await connection.request(message, (result) => this.accept(connection, result));
      this.entered.resolve(connection);
    } catch (error) {
      connection.end({ reason: "not_entered", message: "The server did not let us in.", final: false });
      throw error;
    } finally {
      this.stop.signal.removeEventListener("abort", leave);
    }
  }

  private accept(connection: Connection, result: Result): void {
    if (result.type !== "joined" && result.type !== "resumed") return;
    this.connection = connection;
    this.resumeToken = result.resume;
    if (result.type === "joined") this.handlers.joined(result);
    else this.handlers.resumed(result);
  }

  private receive(connection: Connection, event: ServerEvent): void {
    if (event.type === "session.ended") {
      connection.end({ reason: event.code, message: event.message, final: event.final } satisfies Loss);
    } else {
      this.handlers.event(event);
    }
  }
}
