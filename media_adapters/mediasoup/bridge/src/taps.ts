// Copies of a track's RTP to another process of this machine, and key frames.

import type { types } from "mediasoup";

import type { CodecOfTap, Params } from "./protocol.ts";
import type { Place, Room } from "./room.ts";

/** Where RTCP goes when nobody wants it (RFC 863): mediasoup sends it somewhere. */
const DISCARD = 9;

export async function openTap(
  room: Room,
  { producer: name, host, port, rtcp_port }: Params<"tap">,
): Promise<{ tap: string; codec: CodecOfTap }> {
  const { producer, place } = room.published(name);
  const transport = await room.plainTransport(place, host, false);
  try {
    await transport.connect({ ip: host, port, rtcpPort: rtcp_port ?? DISCARD });
    const consumer = await transport.consume({
      producerId: producer.id,
      rtpCapabilities: plainCapabilities(place),
      paused: true,
    });
    place.core.carry(consumer);
    consumer.on("producerclose", () => transport.close());
    await consumer.resume();
    room.taps.set(transport.id, transport);
    transport.observer.once("close", () => room.taps.delete(transport.id));
    return { tap: transport.id, codec: codecOf(consumer) };
  } catch (error) {
    transport.close();
    room.published(name); // if that is why, it is said
    throw error;
  }
}

/** Nothing asks for key frames but a consumer, so this makes one for the moment. */
export async function requestKeyFrame(room: Room, name: string): Promise<void> {
  const { producer, place } = room.published(name);
  if (producer.kind !== "video") return;
  const transport = await place.router.createDirectTransport();
  try {
    const consumer = await transport.consume({
      producerId: producer.id,
      rtpCapabilities: place.router.rtpCapabilities,
    });
    await consumer.requestKeyFrame();
  } finally {
    transport.close();
  }
}

/** What a plain receiver takes: no retransmission, no congestion control, no header extensions. */
function plainCapabilities({ router }: Place): types.RtpCapabilities {
  const codecs = router.rtpCapabilities.codecs?.filter((codec) => !codec.mimeType.endsWith("/rtx")) ?? [];
  return {
    codecs: codecs.map((codec) => ({
      ...codec,
      rtcpFeedback: (codec.rtcpFeedback ?? []).filter(
        ({ type, parameter }) => type === "ccm" || parameter === "pli",
      ),
    })),
    headerExtensions: [],
  };
}

function codecOf(consumer: types.Consumer): CodecOfTap {
  const { codecs, encodings } = consumer.rtpParameters;
  const codec = codecs[0];
  const ssrc = encodings?.[0]?.ssrc;
  if (codec === undefined || ssrc === undefined) throw new Error("The tapped stream has no codec.");
  return {
    name: codec.mimeType.slice(codec.mimeType.indexOf("/") + 1),
    payload_type: codec.payloadType,
    clock_rate: codec.clockRate,
    channels: codec.channels ?? null,
    parameters: Object.entries(codec.parameters ?? {})
      .map(([key, value]) => `${key}=${String(value)}`)
      .join(";"),
    ssrc,
  };
}
