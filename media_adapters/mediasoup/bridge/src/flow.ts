// A track on its way to one receiver.

import type { types } from "mediasoup";

import { existingLayer, spatialLayer, spatialLayers, usableLayers } from "./layers.ts";
import type { Layer } from "./protocol.ts";
import type { Place } from "./room.ts";
import type { Sending } from "./subscriber-sdp.ts";

export class Flow {
  readonly mid: string;
  readonly name: string;
  readonly consumer: types.Consumer;
  readonly sending: Sending;
  layer: Layer;
  paused = false; // by the receiver's wish
  #asked: number | null = null;

  /** `name` is that of the track's producer. */
  constructor(mid: string, name: string, producer: types.Producer, consumer: types.Consumer, layer: Layer) {
    this.mid = mid;
    this.name = name;
    this.consumer = consumer;
    this.layer = layer;
    this.sending = {
      rtp: consumer.rtpParameters,
      stream: producer.appData.stream as string,
      id: consumer.id,
    };
  }

  /** Counted where it is, and sent in the layer that is wanted, as far as that arrives. */
  async begin(place: Place): Promise<void> {
    place.consumers += 1;
    place.core.carry(this.consumer);
    this.consumer.observer.once("close", () => (place.consumers -= 1));
    this.consumer.on("score", () => void this.choose());
    await this.choose();
  }

  /** Asks for the wanted layer, or the next one up that there is. Again with each news of what arrives. */
  async choose(): Promise<void> {
    const { consumer, layer } = this;
    if (consumer.type !== "simulcast" && consumer.type !== "svc") return;
    const { codecs, encodings } = consumer.rtpParameters;
    const count = spatialLayers(encodings);
    const spatial =
      consumer.type === "svc"
        ? spatialLayer(layer, usableLayers(codecs[0]?.mimeType ?? "", count))
        : existingLayer(spatialLayer(layer, count), consumer.score.producerScores);
    if (consumer.closed || this.#asked === spatial) return;
    this.#asked = spatial;
    await ifOpen(consumer, () => consumer.setPreferredLayers({ spatialLayer: spatial }));
  }
}

/** The worker may know before us that the consumer's producer is gone: then there is nothing to be done. */
export async function ifOpen(consumer: types.Consumer, act: () => Promise<void>): Promise<void> {
  try {
    if (!consumer.closed) await act();
  } catch (error) {
    // The news of the close is on its way, and behind the refusal.
    await new Promise((go) => setImmediate(go));
    if (!consumer.closed) throw error;
  }
}
