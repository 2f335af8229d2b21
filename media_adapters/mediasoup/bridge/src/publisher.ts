// A participant's publisher: the browser offers, its media become producers of the room.

import type { types } from "mediasoup";

import { connect, type Watcher, watch } from "./connection.ts";
import { invalid } from "./errors.ts";
import type { OfferedTrack } from "./protocol.ts";
import { type Offer, readOffer, type Section, writeAnswer } from "./publisher-sdp.ts";
import type { Place, Room } from "./room.ts";
import { Serial } from "./serial.ts";

type Live = { name: string; sends: string; producer: types.Producer };

/** The SSRCs of a section's layers, by rid. */
type Ssrcs = ReadonlyMap<string, Pick<types.RtpEncodingParameters, "ssrc" | "rtx">>;

export class Publisher {
  readonly #room: Room;
  readonly #place: Place;
  readonly #transport: types.WebRtcTransport;
  readonly #watcher: Watcher;
  readonly #serial = new Serial();
  readonly #live = new Map<string, Live>(); // by mid
  readonly #scores = new Map<string, boolean>(); // by producer: does anything arrive?
  readonly #known = new Map<string, Ssrcs>(); // by mid, of sections that sent before
  #iceUfrag: string | null = null;
  #receiving = false;
  #answers = 0;

  constructor(room: Room, place: Place, transport: types.WebRtcTransport, watcher: Watcher) {
    this.#room = room;
    this.#place = place;
    this.#transport = transport;
    this.#watcher = watcher;
    watch(transport, watcher);
  }

  static async open(room: Room, watcher: Watcher): Promise<Publisher> {
    const place = room.home;
    return new Publisher(room, place, await room.transport(place, "incoming"), watcher);
  }

  /** Answers an offer. Nothing has changed if it is refused while it is read. */
  offer(sdp: string, tracks: OfferedTrack[]): Promise<{ sdp: string; live: string[] }> {
    return this.#serial.run(async () => {
      const layered = new Set(tracks.filter((track) => track.layered).map((track) => track.mid));
      const offer = readOffer(sdp, this.#place.router.rtpCapabilities, layered);
      await this.#connect(offer);
      await this.#produce(offer, new Map(tracks.map((track) => [track.mid, track]))).catch(
        (error: unknown) => {
          this.#watcher.over("an offer could be taken in part only");
          throw error;
        },
      );
      this.#answers += 1;
      return { sdp: writeAnswer(this.#transport, offer, this.#answers), live: [...this.#live.keys()] };
    });
  }

  close(): void {
    this.#transport.close();
  }

  async #connect(offer: Offer): Promise<void> {
    if (this.#iceUfrag === null) {
      await connect(this.#transport, offer.dtls, "offer");
    } else {
      // Chromium gives ICE and DTLS of the whole bundle up when its first m-line is stopped; we can't follow that.
      if (offer.sections[0]?.media.port === 0)
        throw invalid("The first m-line may be inactive, not stopped.");
      if (this.#iceUfrag !== offer.iceUfrag) await this.#transport.restartIce();
    }
    this.#iceUfrag = offer.iceUfrag;
  }

  /** Producers that ended, or send otherwise now, go first: their successors may use the same SSRCs. */
  async #produce(offer: Offer, tracks: ReadonlyMap<string, OfferedTrack>): Promise<void> {
    const wanted = new Map<string, Section & OfferedTrack>();
    for (const section of offer.sections) {
      const track = tracks.get(section.mid);
      if (section.rtp !== null && track !== undefined) wanted.set(section.mid, { ...section, ...track });
    }
    for (const [mid, live] of this.#live) {
      const now = wanted.get(mid);
      if (now?.producer === live.name && signature(now.rtp) === live.sends) wanted.delete(mid);
      else await this.#drop(mid, live);
    }
    for (const [mid, section] of wanted) await this.#start(mid, section);
  }

  async #start(mid: string, { kind, rtp, producer: name, muted }: Section & OfferedTrack): Promise<void> {
    if (rtp === null) return;
    const sends = signature(rtp);
    let producer: types.Producer;
    try {
      producer = await this.#transport.produce({
        kind,
        rtpParameters: { ...rtp, encodings: named(rtp.encodings ?? [], this.#known.get(mid)) },
        paused: muted,
        appData: { stream: this.#transport.id }, // a participant's tracks are kept in step with each other
      });
    } catch (error) {
      if (this.#transport.closed) throw error;
      throw invalid(`The media server can't take the section with the mid ${mid}.`);
    }
    this.#live.set(mid, { name, sends, producer });
    this.#room.publish(name, producer, this.#place);
    producer.on("score", (scores) => this.#scored(name, scores));
  }

  async #drop(mid: string, { name, producer }: Live): Promise<void> {
    this.#known.set(mid, new Map([...(this.#known.get(mid) ?? []), ...(await ssrcsOf(producer))]));
    producer.close();
    this.#live.delete(mid);
    this.#scores.delete(name);
    this.#tellReceiving();
  }

  #scored(name: string, scores: types.ProducerScore[]): void {
    this.#scores.set(
      name,
      scores.some((one) => one.score > 0),
    );
    this.#tellReceiving();
  }

  #tellReceiving(): void {
    const receiving = [...this.#scores.values()].includes(true);
    if (receiving === this.#receiving) return;
    this.#receiving = receiving;
    this.#watcher.receiving(receiving);
  }
}

/**
 * Simulcast layers are told by their rid, in packets only (RFC 8852), and Chromium leaves that out once its receiver
 * knows the SSRC: also when the section was inactive meanwhile, and there is another producer that knows nothing.
 */
async function ssrcsOf(producer: types.Producer): Promise<Ssrcs> {
  if (producer.type !== "simulcast") return new Map();
  const streams = await producer.getStats();
  return new Map(
    streams.map(({ rid, ssrc, rtxSsrc }) => [
      String(rid),
      { ssrc, ...(rtxSsrc === undefined ? {} : { rtx: { ssrc: rtxSsrc } }) },
    ]),
  );
}

function named(encodings: types.RtpEncodingParameters[], known: Ssrcs = new Map()) {
  return encodings.map((encoding) => ({ ...encoding, ...known.get(String(encoding.rid)) }));
}

/** What can't change under a producer. */
function signature(rtp: types.RtpParameters | null): string {
  return JSON.stringify([rtp?.codecs.map((codec) => [codec.mimeType, codec.payloadType]), rtp?.encodings]);
}
