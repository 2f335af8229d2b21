// A room: its routers on one or several workers, who publishes what, and how a subscriber's router gets at it.

import type { types } from "mediasoup";

import { routerCodecs } from "./capabilities.ts";
import { Refusal } from "./errors.ts";
import { inside } from "./listening.ts";
import type { Settings } from "./settings.ts";
import type { Core, Workers } from "./workers.ts";

const FIRST_GUESS_OF_BANDWIDTH = 1_000_000; // bits/s to a subscriber until its estimation says better

/** Which codecs under which payload types. A room has its own, and players have theirs, which nobody can change. */
export type Dialect = { key: string; codecs: types.RouterRtpCodecCapability[] };

/** The room on one worker, in one dialect, and how many players it is kept for. `piped`: producers of the room's other workers, by name. */
export type Place = {
  core: Core;
  router: types.Router;
  dialect: Dialect;
  players: number;
  consumers: number;
  piped: Map<string, Promise<types.Producer>>;
};

type Published = { producer: types.Producer; place: Place };

/** One end of a participant's connection, closed with its transport. */
export type Connection = { close(): void };

export type RoomOptions = { audio_codecs: string[]; video_codecs: string[]; max_bitrate: number };

export class Room {
  readonly id: string;
  readonly connections = new Map<string, Connection>();
  readonly taps = new Map<string, types.PlainTransport>();
  readonly #workers: Workers;
  readonly #settings: Settings;
  readonly #options: RoomOptions;
  readonly #places: Place[] = [];
  readonly #published = new Map<string, Published>();
  readonly #dialect: Dialect;
  readonly #spreading = new Map<string, Promise<Place>>(); // by dialect
  closed = false;

  constructor(id: string, workers: Workers, settings: Settings, options: RoomOptions) {
    this.id = id;
    this.#workers = workers;
    this.#settings = settings;
    this.#options = options;
    this.#dialect = { key: "", codecs: routerCodecs([...options.audio_codecs, ...options.video_codecs]) };
  }

  async open(): Promise<void> {
    await this.#settle(this.#workers.any(), this.#dialect);
  }

  isOn(core: Core): boolean {
    return this.#places.some((place) => place.core === core);
  }

  close(): void {
    this.closed = true;
    for (const connection of this.connections.values()) connection.close();
    for (const { router } of this.#places) router.close();
  }

  /** Where publishers are: the first worker. It is the subscribers that make a room large. */
  get home(): Place {
    const [home] = this.#places;
    if (this.closed || home === undefined) throw new Refusal("room_not_found", "The room is closed.");
    return home;
  }

  /** Where the next subscriber is: the first worker with room for it, or one more. */
  placeForSubscriber(): Promise<Place> {
    return this.#placeFor(this.#dialect);
  }

  /**
   * A player has payload types of its own (RFC 3264 §6.1), and mediasoup sends under those of a router: players that
   * agree share one, to which tracks are piped. It is kept until `leave` was called for each.
   */
  async placeForPlayer(dialect: Dialect): Promise<Place> {
    const place = await this.#placeFor(dialect);
    place.players += 1;
    return place;
  }

  leave(place: Place): void {
    place.players -= 1;
    if (place.players > 0) return;
    place.router.close();
    this.#places.splice(this.#places.indexOf(place), 1);
  }

  async #placeFor(dialect: Dialect): Promise<Place> {
    const limit = this.#settings.consumers_per_router;
    const roomy = this.#places.find((place) => place.dialect.key === dialect.key && place.consumers < limit);
    return roomy ?? (await this.#spread(dialect));
  }

  async transport(place: Place, direction: "incoming" | "outgoing"): Promise<types.WebRtcTransport> {
    const transport = await place.router.createWebRtcTransport({
      webRtcServer: place.core.server,
      preferUdp: true,
      initialAvailableOutgoingBitrate: FIRST_GUESS_OF_BANDWIDTH,
    });
    if (direction === "incoming") await transport.setMaxIncomingBitrate(this.#options.max_bitrate);
    return transport;
  }

  /** The transport it takes to copy media to another process of this machine. */
  plainTransport(place: Place, ip: string, rtcpMux: boolean): Promise<types.PlainTransport> {
    return place.router.createPlainTransport({ listenInfo: inside(this.#settings, ip), rtcpMux });
  }

  publish(name: string, producer: types.Producer, place: Place): void {
    this.#published.set(name, { producer, place });
    place.core.carry(producer);
    producer.observer.once("close", () => {
      this.#published.delete(name);
      for (const one of this.#places) one.piped.delete(name);
    });
  }

  /** Raises a refusal when nothing is published under this name. */
  published(name: string): Published {
    const found = this.#published.get(name);
    if (found === undefined) throw new Refusal("track_not_found", "The track is not published here.");
    return found;
  }

  /** What this is encoded with, as `video/vp8`; null if it is not published (any more). */
  codecOf(name: string): string | null {
    return this.#published.get(name)?.producer.rtpParameters.codecs[0]?.mimeType.toLowerCase() ?? null;
  }

  /** The producer, where consumers of `place` can get it; null if it is not published (any more). */
  async within(place: Place, name: string): Promise<types.Producer | null> {
    const found = this.#published.get(name);
    if (found === undefined || found.place === place) return found?.producer ?? null;
    try {
      return await this.#piped(place, name, found);
    } catch (error) {
      if (found.producer.closed) return null;
      throw error;
    }
  }

  #piped(place: Place, name: string, { producer, place: origin }: Published): Promise<types.Producer> {
    const known = place.piped.get(name);
    if (known) return known;
    const piping = this.#pipe(origin, place, producer);
    place.piped.set(name, piping);
    piping.catch(() => place.piped.delete(name));
    return piping;
  }

  async #pipe(from: Place, to: Place, producer: types.Producer): Promise<types.Producer> {
    const { pipeConsumer, pipeProducer } = await from.router.pipeToRouter({
      producerId: producer.id,
      router: to.router,
      listenInfo: inside(this.#settings),
      enableSctp: false,
    });
    if (!pipeConsumer || !pipeProducer) throw new Error("The producer was not piped.");
    from.core.carry(pipeConsumer);
    to.core.carry(pipeProducer);
    return pipeProducer;
  }

  /** Several subscribers may find the room full at once: they get the same new place. */
  #spread(dialect: Dialect): Promise<Place> {
    const known = this.#spreading.get(dialect.key);
    if (known) return known;
    const spreading = this.#another(dialect).finally(() => this.#spreading.delete(dialect.key));
    this.#spreading.set(dialect.key, spreading);
    return spreading;
  }

  async #another(dialect: Dialect): Promise<Place> {
    const places = this.#places.filter((place) => place.dialect.key === dialect.key);
    if (places.length === 0) return this.#settle(this.#workers.any(), dialect);
    const core = this.#workers.idlest(new Set(places.map((place) => place.core)));
    if (core !== null) return this.#settle(core, dialect);
    return places.reduce((least, place) => (place.consumers < least.consumers ? place : least));
  }

  async #settle(core: Core, dialect: Dialect): Promise<Place> {
    const router = await core.worker.createRouter({ mediaCodecs: dialect.codecs }).catch((error: unknown) => {
      if (!core.worker.closed) throw error;
      throw new Refusal("node_busy", "The media worker died meanwhile.");
    });
    const place = {
      core,
      router,
      dialect,
      players: 0,
      consumers: 0,
      piped: new Map<string, Promise<types.Producer>>(),
    };
    if (this.closed) {
      router.close();
      throw new Refusal("room_not_found", "The room is closed.");
    }
    this.#places.push(place);
    return place;
  }
}
