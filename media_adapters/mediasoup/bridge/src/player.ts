// A player: it offers once what it can receive, and gets some tracks for as long as they last.

import type { types } from "mediasoup";

import { connect, type Watcher, watch } from "./connection.ts";
import { Refusal } from "./errors.ts";
import { Flow } from "./flow.ts";
import { type PlayersOffer, readPlayersOffer, type Slot, takes, writePlayersAnswer } from "./player-sdp.ts";
import type { Line, Wanted } from "./protocol.ts";
import type { Place, Room } from "./room.ts";
import { Serial } from "./serial.ts";

type Playing = { place: Place; transport: types.WebRtcTransport; flows: Flow[]; iceUfrag: string };

export class Player {
  readonly #room: Room;
  readonly #watcher: Watcher;
  readonly #serial = new Serial();
  #playing: Playing | null = null;
  #answers = 0;

  constructor(room: Room, watcher: Watcher) {
    this.#room = room;
    this.#watcher = watcher;
  }

  static open(room: Room, watcher: Watcher): Promise<Player> {
    return Promise.resolve(new Player(room, watcher));
  }

  /** Answers an offer. `lines` is all that the player gets: the first offer decides, later ones restart ICE. */
  play(sdp: string, wanted: Wanted[]): Promise<{ sdp: string; lines: Line[] }> {
    return this.#serial.run(async () => {
      const offer = readPlayersOffer(sdp, this.#room.home.router.rtpCapabilities);
      const here = this.#playing ?? (await this.#begin(offer, wanted));
      if (here.iceUfrag !== offer.iceUfrag) {
        await here.transport.restartIce();
        here.iceUfrag = offer.iceUfrag;
      }
      this.#answers += 1;
      const sent = new Map(here.flows.map((flow) => [flow.mid, flow.sending]));
      return {
        sdp: writePlayersAnswer(here.transport, offer, sent, this.#answers),
        lines: here.flows.map(({ mid, name }) => ({ mid, producer: name })),
      };
    });
  }

  close(): void {
    this.#playing?.transport.close();
  }

  async #begin(offer: PlayersOffer, wanted: Wanted[]): Promise<Playing> {
    const place = await this.#room.placeForPlayer(offer.dialect);
    try {
      const transport = await this.#room.transport(place, "outgoing");
      this.#playing = { place, transport, flows: [], iceUfrag: offer.iceUfrag };
      transport.observer.once("close", () => this.#room.leave(place));
    } catch (error) {
      this.#room.leave(place);
      throw error;
    }
    const { transport, flows } = this.#playing;
    watch(transport, this.#watcher);
    await connect(transport, offer.dtls, "offer");
    const free = [...offer.slots];
    for (const one of wanted) {
      const flow = await this.#consume(place, transport, one, free);
      if (flow !== null) flows.push(flow);
    }
    if (flows.length === 0)
      throw new Refusal("track_not_found", "The offer has room for nothing of what is wanted.");
    return this.#playing;
  }

  /** In the first section of `free` that can have it, which is no longer free then; null without one. */
  async #consume(
    place: Place,
    transport: types.WebRtcTransport,
    { producer: name, layer }: Wanted,
    free: Slot[],
  ): Promise<Flow | null> {
    const codec = this.#room.codecOf(name);
    const slot = free.find(({ codecs }) => codecs.some((one) => one.mimeType.toLowerCase() === codec));
    if (slot === undefined) return null;
    const producer = await this.#room.within(place, name);
    if (producer === null) return null;
    const { mid } = slot;
    try {
      const consumer = await transport.consume({
        producerId: producer.id,
        rtpCapabilities: takes(slot),
        mid,
      });
      free.splice(free.indexOf(slot), 1);
      const flow = new Flow(mid, name, producer, consumer, layer);
      await flow.begin(place);
      return flow;
    } catch (error) {
      if (!producer.closed) throw error;
      return null;
    }
  }
}
