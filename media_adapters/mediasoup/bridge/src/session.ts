// One adapter on its socket: its rooms, and what it may ask for.

import * as mediasoup from "mediasoup";

import type { Watcher } from "./connection.ts";
import { Refusal } from "./errors.ts";
import { Player } from "./player.ts";
import type { Event, Method, Params, Reply, Request, Result } from "./protocol.ts";
import { Publisher } from "./publisher.ts";
import { type Connection, Room } from "./room.ts";
import { Serial } from "./serial.ts";
import type { Settings } from "./settings.ts";
import { Subscriber } from "./subscriber.ts";
import { openTap, requestKeyFrame } from "./taps.ts";
import type { Core, Workers } from "./workers.ts";

type Handlers = { [M in Method]: (params: Params<M>) => Promise<Result<M>> };
type Kind<C> = {
  new (...parts: never[]): C;
  open(room: Room, watcher: Watcher): Promise<C>;
};
type Named = { room: string; connection: string };

export class Session {
  readonly #workers: Workers;
  readonly #settings: Settings;
  readonly #emit: (event: Event) => void;
  readonly #rooms = new Map<string, Room>();
  readonly #turns = new Map<string, Serial>(); // by connection: it is made once, whatever else is asked meanwhile
  #closed = false;

  constructor(workers: Workers, settings: Settings, emit: (event: Event) => void) {
    this.#workers = workers;
    this.#settings = settings;
    this.#emit = emit;
  }

  async perform({ id, method, params }: Request): Promise<Reply> {
    try {
      if (!Object.hasOwn(this.#handlers, method))
        throw new Refusal("media_error", "There is no such method.");
      const handler = this.#handlers[method as Method] as (params: object) => Promise<object>;
      return { id, result: await handler(params) };
    } catch (error) {
      return { id, error: this.#told(error, params) };
    }
  }

  close(): void {
    this.#closed = true;
    for (const room of this.#rooms.values()) room.close();
    this.#rooms.clear();
  }

  /** The rooms that were on this worker are over, also where they were on others as well. */
  coreDied(core: Core): void {
    for (const room of [...this.#rooms.values()].filter((one) => one.isOn(core))) {
      this.#forget(room);
      this.#emit({ event: "room_closed", room: room.id, reason: "its media worker died" });
    }
  }

  readonly #handlers: Handlers = {
    describe: () => Promise.resolve({ version: mediasoup.version, workers: this.#workers.cores.length }),
    load: () =>
      Promise.resolve({ pids: [process.pid, ...this.#workers.cores.map((core) => core.worker.pid)] }),
    dump: async () => ({ workers: await this.#workers.dump() }),
    open_room: async ({ room: id, ...options }) => {
      const room = new Room(id, this.#workers, this.#settings, options);
      await room.open();
      if (this.#closed) room.close();
      else this.#rooms.set(id, room);
      return {};
    },
    close_room: ({ room }) => {
      const known = this.#rooms.get(room);
      if (known) this.#forget(known);
      return Promise.resolve({});
    },
    publish: (params) =>
      this.#through(params, Publisher, (publisher) => publisher.offer(params.sdp, params.tracks)),
    mute: async ({ room, producer: name, muted }) => {
      const { producer } = this.#room(room).published(name);
      await (muted ? producer.pause() : producer.resume());
      return {};
    },
    offer: (params) =>
      this.#through(params, Subscriber, (subscriber) =>
        subscriber.offer(params.add, params.remove, params.restart),
      ),
    answer: async ({ sdp, ...named }) => {
      await this.#subscriber(named).answer(sdp);
      return {};
    },
    adjust: async ({ lines, ...named }) => {
      await this.#subscriber(named).adjust(lines);
      return {};
    },
    play: (params) => this.#through(params, Player, (player) => player.play(params.sdp, params.wanted)),
    close_connection: (params) =>
      this.#inTurn(params, (room) => {
        this.#drop(room, params.connection);
        return Promise.resolve({});
      }),
    tap: (params) => openTap(this.#room(params.room), params),
    untap: ({ room, tap }) => {
      this.#rooms.get(room)?.taps.get(tap)?.close();
      return Promise.resolve({});
    },
    request_key_frame: async ({ room, producer }) => {
      await requestKeyFrame(this.#room(room), producer);
      return {};
    },
  };

  #inTurn<T>({ room, connection }: Named, step: (room: Room) => Promise<T>): Promise<T> {
    const turns = this.#turns.get(connection) ?? new Serial();
    this.#turns.set(connection, turns);
    return turns.run(() => step(this.#room(room)));
  }

  /** Acts on the connection of this name, made now unless it is there. One whose first act fails leaves nothing. */
  #through<C extends Connection, T>(
    named: Named,
    kind: Kind<C>,
    act: (connection: C) => Promise<T>,
  ): Promise<T> {
    return this.#inTurn(named, async (room) => {
      const known = room.connections.get(named.connection);
      if (known instanceof kind) return act(known);
      if (known !== undefined) throw new Refusal("media_error", "The connection is of the other kind.");
      const made = await kind.open(room, this.#watcher(room, named.connection));
      try {
        if (room.closed) throw new Refusal("room_not_found", "The room is closed.");
        room.connections.set(named.connection, made);
        return await act(made);
      } catch (error) {
        this.#drop(room, named.connection);
        made.close();
        throw error;
      }
    });
  }

  #drop(room: Room, connection: string): void {
    room.connections.get(connection)?.close();
    room.connections.delete(connection);
    this.#turns.delete(connection);
  }

  #watcher(room: Room, connection: string): Watcher {
    return {
      connected: () => this.#emit({ event: "connected", connection }),
      receiving: (receiving) => this.#emit({ event: "receiving", connection, receiving }),
      over: (reason) => {
        this.#drop(room, connection);
        this.#emit({ event: "connection_closed", connection, reason });
      },
    };
  }

  #subscriber({ room, connection }: Named): Subscriber {
    const known = this.#room(room).connections.get(connection);
    if (known instanceof Subscriber) return known;
    throw new Refusal("peer_not_found", "The connection is not here (any more).");
  }

  #room(id: string): Room {
    const room = this.#rooms.get(id);
    if (room === undefined) throw new Refusal("room_not_found", "The room is not here (any more).");
    return room;
  }

  #forget(room: Room): void {
    this.#rooms.delete(room.id);
    for (const connection of room.connections.keys()) this.#turns.delete(connection);
    room.close();
  }

  /** What failed because its room or connection went meanwhile is told as that. */
  #told(error: unknown, { room, connection }: Record<string, unknown>): { code: string; message: string } {
    if (error instanceof Refusal) return { code: error.code, message: error.message };
    const known = this.#rooms.get(room as string);
    if (room !== undefined && known === undefined) {
      return { code: "room_not_found", message: "The room closed meanwhile." };
    }
    if (connection !== undefined && !known?.connections.has(connection as string)) {
      return { code: "peer_not_found", message: "The connection closed meanwhile." };
    }
    return { code: "media_error", message: error instanceof Error ? error.name : "unknown" };
  }
}
