// A browser's offer turned into what mediasoup's produce() wants, and the answer to it. No I/O.

import { RemoteSdp } from "mediasoup-client/handlers/sdp/RemoteSdp";
import { getCname } from "mediasoup-client/handlers/sdp/commonUtils";
import { getRtpEncodings } from "mediasoup-client/handlers/sdp/unifiedPlanUtils";
import * as ortc from "mediasoup-client/ortc";
import type { types } from "mediasoup";
import * as sdpTransform from "sdp-transform";

import { faultOfClient, invalid } from "./errors.ts";
import { checkBundle, common, dtlsOf, echo, iceUfrag, isStopped, type Media, midOf } from "./offer.ts";
import { type LocalTransport, remoteSdp, written } from "./sdp.ts";

type RtpParameters = types.RtpParameters;

/** An m-section of an offer. `rtp` is what it sends, or null if it sends nothing that the room takes. */
export type Section = {
  media: Media;
  mid: string;
  kind: types.MediaKind;
  rtp: RtpParameters | null;
  answer: RtpParameters;
};

export type Offer = {
  sections: Section[];
  iceUfrag: string;
  dtls: types.DtlsParameters;
  extmapAllowMixed: boolean;
};

/** Raises a refusal when the offer can't be answered. `layered`: the mids that are said to have spatial layers. */
export function readOffer(sdp: string, router: types.RtpCapabilities, layered: ReadonlySet<string>): Offer {
  return faultOfClient("The offer is malformed.", () => {
    const parsed = sdpTransform.parse(sdp);
    const sections = parsed.media.map((media) => section(media, router, layered));
    checkBundle(parsed);
    checkSsrcs(sections);
    return {
      sections,
      iceUfrag: iceUfrag(parsed),
      dtls: dtlsOf(parsed),
      extmapAllowMixed: parsed.extmapAllowMixed !== undefined,
    };
  });
}

/** The answer, in the browser's m-line order and anew each time. `version` counts the answers of a connection. */
export function writeAnswer(transport: LocalTransport, offer: Offer, version: number): string {
  const remote = remoteSdp(transport, "server");
  if (offer.extmapAllowMixed) remote.setSessionExtmapAllowMixed();
  for (const section of offer.sections) answerSection(remote, section);
  return written(remote, version);
}

function answerSection(remote: RemoteSdp, section: Section): void {
  const { media, mid, rtp, answer } = section;
  remote.send({
    offerMediaObject: media,
    offerRtpParameters: (rtp ?? answer) as never,
    answerRtpParameters: answer as never,
    codecOptions: { opusFec: true, opusDtx: true },
  });
  if (isStopped(media)) remote.closeMediaSection(mid);
  else if (rtp === null) remote.disableMediaSection(mid);
}

function section(media: Media, router: types.RtpCapabilities, layered: ReadonlySet<string>): Section {
  const kind = media.type as types.MediaKind;
  const mid = midOf(media);
  const sends = !isStopped(media) && media.direction !== "recvonly" && media.direction !== "inactive";
  const agreed = sends ? agree(media, kind, router) : null;
  if (agreed === null) return { media, mid, kind, rtp: null, answer: echo(media, kind) };
  const { rtp, answer } = agreed;
  if (!takesSimulcast(rtp)) media = oneStream(media);
  rtp.mid = mid;
  const cname = getCname({ offerMediaObject: media });
  rtp.rtcp = cname ? { cname } : {};
  rtp.encodings = encodings(media, rtp.codecs, layered.has(mid));
  if (rtp.codecs[0]?.mimeType.toLowerCase() === "audio/opus") {
    rtp.codecs[0].parameters = { ...rtp.codecs[0].parameters, useinbandfec: 1, usedtx: 1 };
  }
  return { media, mid, kind, rtp, answer };
}

/** mediasoup takes several streams of one track with these codecs only. */
function takesSimulcast(rtp: RtpParameters): boolean {
  return ["video/vp8", "video/h264"].includes(rtp.codecs[0]?.mimeType.toLowerCase() ?? "");
}

/** As if no simulcast had been offered: a browser whose layers are not answered sends its first (RFC 8853 §5.3). */
function oneStream(media: Media): Media {
  const plain = { ...media };
  delete plain.simulcast;
  return plain;
}

/** The first codec, by the router's preference, and its RTX. */
function agree(media: Media, kind: types.MediaKind, router: types.RtpCapabilities) {
  const extended = common(media, router);
  if (!extended.codecs.some((codec) => codec.kind === kind)) return null;
  const rtp = ortc.getSendingRtpParameters(kind, extended);
  const answer = ortc.getSendingRemoteRtpParameters(kind, extended);
  rtp.codecs = ortc.reduceCodecs(rtp.codecs);
  answer.codecs = ortc.reduceCodecs(answer.codecs);
  return { rtp: rtp as unknown as RtpParameters, answer: answer as unknown as RtpParameters };
}

function encodings(media: Media, codecs: types.RtpCodecParameters[], layered: boolean) {
  const codec = codecs[0]?.mimeType.toLowerCase() ?? "";
  if (media.simulcast?.dir1 === "send") {
    const mode = codec === "video/h264" ? {} : { scalabilityMode: "L1T3" };
    // The offer lists the best first (so that a peer that takes only one keeps that), mediasoup wants the worst first.
    return sdpTransform
      .parseSimulcastStreamList(media.simulcast.list1)
      .map(([stream]) => ({ rid: String(stream?.scid), ...mode }))
      .reverse();
  }
  const bySsrc: types.RtpEncodingParameters[] = media.ssrcs?.length
    ? getRtpEncodings({ offerMediaObject: media, codecs: codecs })
    : [media.rids?.[0] ? { rid: String(media.rids[0].id) } : {}]; // told by its first rid, or by its mid alone
  // SDP does not tell how many layers an SVC stream has. Three is what browsers send when told to layer; where there
  // are fewer, those above never come. "L3T3" and not "L3T3_KEY": it forwards the layers below too, right for both.
  // One that was offered as simulcast and is sent as one stream has one layer.
  const svc =
    layered && media.ssrcs?.length && bySsrc.length === 1 && ["video/vp9", "video/av1"].includes(codec);
  return svc ? bySsrc.map((encoding) => ({ ...encoding, scalabilityMode: "L3T3" })) : bySsrc;
}

function checkSsrcs(sections: Section[]): void {
  const seen = new Set<number>();
  for (const encoding of sections.flatMap((one) => one.rtp?.encodings ?? [])) {
    for (const ssrc of [encoding.ssrc, encoding.rtx?.ssrc]) {
      if (ssrc === undefined) continue;
      if (seen.has(ssrc)) throw invalid("Two sections of the offer send the same SSRC.");
      seen.add(ssrc);
    }
  }
}
