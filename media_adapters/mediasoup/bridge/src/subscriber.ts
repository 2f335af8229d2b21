// A participant's subscriber: we offer, the browser answers, and its consumers flow.

import type { types } from "mediasoup";

import { connect, type Watcher, watch } from "./connection.ts";
import { Flow, ifOpen } from "./flow.ts";
import type { Adjusted, Line, Wanted } from "./protocol.ts";
import type { Place, Room } from "./room.ts";
import { Serial } from "./serial.ts";
import { readAnswer, Sections } from "./subscriber-sdp.ts";

export class Subscriber {
  readonly #room: Room;
  readonly #place: Place;
  readonly #transport: types.WebRtcTransport;
  readonly #serial = new Serial();
  readonly #sections = new Sections();
  readonly #flows = new Map<string, Flow>(); // by mid
  #fresh: Flow[] = []; // in the offer that waits for its answer
  #connected = false;
  #offers = 0;

  constructor(room: Room, place: Place, transport: types.WebRtcTransport, watcher: Watcher) {
    this.#room = room;
    this.#place = place;
    this.#transport = transport;
    watch(transport, watcher);
  }

  static async open(room: Room, watcher: Watcher): Promise<Subscriber> {
    const place = await room.placeForSubscriber();
    return new Subscriber(room, place, await room.transport(place, "outgoing"), watcher);
  }

  /** A new offer. Sections that are given up are used again at once. */
  offer(add: Wanted[], remove: string[], restart: boolean): Promise<{ sdp: string; lines: Line[] }> {
    return this.#serial.run(async () => {
      for (const mid of remove) this.#drop(mid);
      if (restart) await this.#transport.restartIce();
      const flowing = new Set([...this.#flows.values()].map((flow) => flow.name));
      this.#fresh.push(...(await this.#add(add.filter((one) => !flowing.has(one.producer)))));
      this.#offers += 1;
      const lines = [...this.#flows.values()].map(({ mid, name }) => ({ mid, producer: name }));
      return { sdp: this.#sections.write(this.#transport, this.#offers), lines };
    });
  }

  /** What the browser takes flows from now on. */
  answer(sdp: string): Promise<void> {
    return this.#serial.run(async () => {
      const { dtls, taken } = readAnswer(sdp);
      if (!this.#connected) await connect(this.#transport, dtls, "answer");
      this.#connected = true;
      const fresh = this.#fresh;
      this.#fresh = [];
      for (const { mid, consumer, paused } of fresh) {
        if (!taken.has(mid)) consumer.close();
        else if (!paused) await ifOpen(consumer, () => consumer.resume());
      }
    });
  }

  adjust(lines: Adjusted[]): Promise<void> {
    return this.#serial.run(async () => {
      for (const { mid, layer, paused } of lines) {
        const flow = this.#flows.get(mid);
        if (flow === undefined) continue;
        flow.layer = layer ?? flow.layer;
        await flow.choose();
        await this.#pause(flow, paused);
      }
    });
  }

  close(): void {
    this.#transport.close();
  }

  /** All at once; each in a section that nobody else takes meanwhile. A failure of one is a failure of the transport. */
  async #add(wanted: Wanted[]): Promise<Flow[]> {
    const flows = await Promise.all(wanted.map((one) => this.#consume(one)));
    return flows.filter((flow) => flow !== null);
  }

  async #consume({ producer: name, layer }: Wanted): Promise<Flow | null> {
    const producer = await this.#room.within(this.#place, name);
    if (producer === null) return null;
    const mid = this.#sections.take(producer.kind);
    const consumer = await this.#paused(producer, mid);
    if (consumer === null) return null;
    const flow = new Flow(mid, name, producer, consumer, layer);
    this.#flows.set(mid, flow);
    this.#sections.fill(mid, consumer.kind, flow.sending);
    await flow.begin(this.#place);
    return flow;
  }

  /** Nothing flows before the browser has answered: it would miss the key frame. Null: the producer went meanwhile. */
  async #paused(producer: types.Producer, mid: string): Promise<types.Consumer | null> {
    try {
      return await this.#transport.consume({
        producerId: producer.id,
        rtpCapabilities: this.#place.router.rtpCapabilities,
        paused: true,
        mid,
      });
    } catch (error) {
      this.#sections.free(mid);
      if (!producer.closed) throw error;
      return null;
    }
  }

  /** What the browser has not answered yet rests anyhow, and is looked at when it has. */
  async #pause(flow: Flow, paused: boolean): Promise<void> {
    if (flow.paused === paused) return;
    flow.paused = paused;
    if (this.#fresh.includes(flow)) return;
    const { consumer } = flow;
    await ifOpen(consumer, () => (paused ? consumer.pause() : consumer.resume()));
  }

  #drop(mid: string): void {
    const flow = this.#flows.get(mid);
    if (flow === undefined) return;
    this.#flows.delete(mid);
    this.#fresh = this.#fresh.filter((one) => one !== flow);
    flow.consumer.close();
    this.#sections.free(mid);
  }
}
