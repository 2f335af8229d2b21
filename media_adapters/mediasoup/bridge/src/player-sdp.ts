// A player's offer, which only receives, and the answer to it. No I/O.

import type { types } from "mediasoup";
import { generateRouterRtpCapabilities } from "mediasoup/ortc";
import * as sdpTransform from "sdp-transform";

import { faultOfClient, invalid } from "./errors.ts";
import { checkBundle, common, dtlsOf, echo, iceUfrag, isStopped, type Media, midOf } from "./offer.ts";
import type { Dialect } from "./room.ts";
import { type LocalTransport, remoteSdp, written } from "./sdp.ts";
import type { Sending } from "./subscriber-sdp.ts";

type Codec = types.RouterRtpCodecCapability & { preferredPayloadType: number };

/** An m-section of an offer, and the room's codecs that it takes, under the payload types that it gives them. */
export type Slot = { media: Media; mid: string; kind: types.MediaKind; codecs: Codec[] };

export type PlayersOffer = {
  slots: Slot[];
  dialect: Dialect;
  iceUfrag: string;
  dtls: types.DtlsParameters;
};

/** Raises a refusal when the offer can't be answered. */
export function readPlayersOffer(sdp: string, router: types.RtpCapabilities): PlayersOffer {
  return faultOfClient("The offer is malformed.", () => {
    const parsed = sdpTransform.parse(sdp);
    if (parsed.media.some(isStopped)) throw invalid("A player's first m-sections can't be stopped.");
    checkBundle(parsed);
    const slots = parsed.media.map((media) => slot(media, router));
    const codecs = agreed(slots);
    const key = JSON.stringify(codecs.map((codec) => [codec.mimeType, codec.preferredPayloadType]));
    return { slots, dialect: { key, codecs }, iceUfrag: iceUfrag(parsed), dtls: dtlsOf(parsed) };
  });
}

/** What a consumer in this section can be. Extensions of headers have the room's ids, not the player's: none. */
export const takes = ({ codecs }: Slot): types.RtpCapabilities => ({
  codecs: structuredClone(codecs),
  headerExtensions: [],
});

/** The answer. Sections of which nothing is told in `sent`, by mid, are inactive. */
export function writePlayersAnswer(
  transport: LocalTransport,
  { slots }: PlayersOffer,
  sent: ReadonlyMap<string, Sending>,
  version: number,
): string {
  const remote = remoteSdp(transport, "server");
  for (const { mid, kind, media } of slots) {
    const sending = sent.get(mid);
    if (sending !== undefined) {
      const { rtp, stream, id } = sending;
      remote.receive({ mid, kind, offerRtpParameters: rtp as never, streamId: stream, trackId: id });
    } else {
      const answer = echo(media, kind) as never;
      remote.send({ offerMediaObject: media, offerRtpParameters: answer, answerRtpParameters: answer });
      remote.disableMediaSection(mid);
    }
  }
  // The library knows sections that send in offers only: there both ends may begin, and extensions are negotiated.
  return written(remote, version)
    .replaceAll("a=setup:actpass", "a=setup:passive")
    .replaceAll("a=extmap-allow-mixed\r\n", "");
}

function slot(media: Media, router: types.RtpCapabilities): Slot {
  const kind = media.type as types.MediaKind;
  const mid = midOf(media);
  if (media.direction === "sendonly" || media.direction === "inactive")
    return { media, mid, kind, codecs: [] };
  const both = common(media, router).codecs.filter((codec) => codec.kind === kind);
  const codecs = both.flatMap(({ localPayloadType, remotePayloadType, rtcpFeedback }): Codec[] => {
    const ours = router.codecs?.find((codec) => codec.preferredPayloadType === remotePayloadType);
    if (ours === undefined) return [];
    const feedback = (rtcpFeedback ?? []) as types.RtcpFeedback[];
    return [{ ...ours, preferredPayloadType: localPayloadType, rtcpFeedback: feedback }];
  });
  return { media, mid, kind, codecs };
}

/**
 * The codecs of all sections, each under one payload type: the first that it has. Sections lose what they know under
 * another, or what the router can't have beside the rest because it gives the payload type to its own RTX.
 */
function agreed(slots: Slot[]): Codec[] {
  let all: Codec[] = [];
  for (const one of slots.flatMap(({ codecs }) => codecs)) {
    if (!all.some((known) => isSame(known, one)) && routable([...all, one])) all = [...all, one];
  }
  for (const one of slots) {
    one.codecs = one.codecs.filter((codec) =>
      all.some((known) => isSame(known, codec) && known.preferredPayloadType === codec.preferredPayloadType),
    );
  }
  return all;
}

const isSame = (one: Codec, other: Codec) => one.mimeType === other.mimeType;

function routable(codecs: Codec[]): boolean {
  try {
    generateRouterRtpCapabilities(structuredClone(codecs));
    return true;
  } catch {
    return false;
  }
}
