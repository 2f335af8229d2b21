import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type {
  ClientMessage,
  JoinedResult,
  Participant,
  Permissions,
  Placement,
  Reply,
  ResumedResult,
  RoomSnapshot,
  ServerMessage,
} from "../src/generated/protocol.ts";

/** Of somebody who takes part and moderates nobody. */
export const PERMISSIONS: Permissions = {
  publish: ["camera", "microphone", "screen", "screen_audio"],
  subscribe: true,
  chat: true,
  moderate: false,
  hidden: false,
  own_attributes: false,
};
/** What all of these people have in common. */
export const SOMEBODY = {
  connected: true,
  attributes: {},
  stopped: [],
  client: "app",
  permissions: PERMISSIONS,
} satisfies Partial<Participant>;

/** A client's connection at a replica: what was said, and what the test answers. */
export class Guest {
  private readonly inbox: ClientMessage[] = [];
  private wake: (() => void) | null = null;
  private seq = 0;

  constructor(private readonly socket: WebSocket) {
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ClientMessage;
      if (message.type === "ping" && this.answersPings) this.reply(message, { type: "pong" });
      else this.inbox.push(message);
      this.wake?.();
    });
  }

  answersPings = true;

  /** The next message, which has to be of that type. */
  async hears<Type extends ClientMessage["type"]>(type: Type): Promise<ClientMessage & { type: Type }> {
    while (this.inbox.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    const message = this.inbox.shift();
    if (message?.type !== type) throw new Error(`expected ${type}, heard ${message?.type ?? "nothing"}`);
    return message as ClientMessage & { type: Type };
  }

  reply({ id }: ClientMessage, result: Reply["result"] = { type: "done" }): void {
    if (id == null) throw new Error("the message has no id to reply to");
    this.say({ type: "reply", id, result });
  }

  refuse({ id }: ClientMessage, code: string, retryable = false): void {
    this.say({ type: "error", id: id ?? null, code, message: `${code}.`, retryable, retry_after_ms: 1 });
  }

  /** An event; `seq` counts by itself unless it is given. */
  tell(event: { type: ServerMessage["type"]; seq?: number; [field: string]: unknown }): void {
    this.seq = event.seq ?? this.seq + 1;
    this.say({ version: 1, ...event, seq: this.seq } as unknown as ServerMessage);
  }

  /** Takes a join or a resume and lets the client in. */
  async welcome(): Promise<ClientMessage> {
    const message = await this.hears("join");
    this.reply(message, joined("r_1"));
    return message;
  }

  close(code: number): void {
    this.socket.close(code);
  }

  /** The network is gone: no closing handshake. */
  vanish(): void {
    this.socket.terminate();
  }

  private say(message: ServerMessage): void {
    this.socket.send(JSON.stringify(message));
  }
}

/** One control-plane replica on a port of its own, played by the test. */
export class Replica {
  readonly url: string;
  private readonly arrivals: Guest[] = [];
  private wake: (() => void) | null = null;

  static async start(): Promise<Replica> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await new Promise((resolve) => server.once("listening", resolve));
    return new Replica(server);
  }

  private constructor(private readonly server: WebSocketServer) {
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/signal`;
    server.on("connection", (socket) => {
      this.arrivals.push(new Guest(socket));
      this.wake?.();
    });
  }

  /** The next connection. */
  async guest(): Promise<Guest> {
    for (;;) {
      const guest = this.arrivals.shift();
      if (guest) return guest;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const participant: Participant = {
  id: "p_1",
  identity: "alice",
  name: "Alice",
  joined_at: 0,
  ...SOMEBODY,
};
export const snapshot: RoomSnapshot = {
  room: "demo",
  incarnation: "i",
  version: 1,
  policy: { capacity: 100, lobby: false, locked: false },
  participants: [participant],
  lobby: [],
  tracks: [],
  chat: [],
};
export const placement: Placement = {
  epoch: 1,
  topology: "waiting",
  simulcast: true,
  ice_servers: [],
  ice_policy: "all",
  reason: "joined",
};

export function joined(resume: string): JoinedResult {
  return { type: "joined", participant, snapshot, placement, lobby: false, resume };
}

export function resumed(resume: string): ResumedResult {
  return { type: "resumed", participant, snapshot, placement, lobby: false, resume, repair: [] };
}
