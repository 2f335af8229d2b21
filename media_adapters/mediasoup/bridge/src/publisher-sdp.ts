// A browser's offer turned into what mediasoup's produce() wants, and the answer to it. No I/O.

import { RemoteSdp } from "mediasoup-client/handlers/sdp/RemoteSdp";
import {
  extractDtlsParameters,
  extractRtpCapabilities,
  getCname,
} from "mediasoup-client/handlers/sdp/commonUtils";
import { getRtpEncodings } from "mediasoup-client/handlers/sdp/unifiedPlanUtils";
import * as ortc from "mediasoup-client/ortc";
import type { types } from "mediasoup";
import * as sdpTransform from "sdp-transform";

import { faultOfClient, invalid } from "./errors.ts";
import { type LocalTransport, remoteSdp, written } from "./sdp.ts";

type Media = sdpTransform.MediaDescription;
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
      // Browsers offer actpass; the answer is passive, because an ICE-lite peer can't tell when to start DTLS.
      dtls: { ...extractDtlsParameters({ sdpObject: parsed }), role: "client" },
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

/** What the section and the router both can, by the router's preference: the first codec and its RTX. */
function agree(media: Media, kind: types.MediaKind, router: types.RtpCapabilities) {
  // One section at a time: extractRtpCapabilities() keeps one entry per extension id, so with audio and video
  // together the ids that they share are lost for all kinds but the last.
  const local = extractRtpCapabilities({ sdpObject: { media: [media] } as sdpTransform.SessionDescription });
  ortc.validateAndNormalizeRtpCapabilities(local);
  // Cloned: it writes H264 profiles into both.
  const extended = ortc.getExtendedRtpCapabilities(local, structuredClone(router) as never, false);
  if (!extended.codecs.some((codec) => codec.kind === kind)) return null;
  const rtp = ortc.getSendingRtpParameters(kind, extended);
  const answer = ortc.getSendingRemoteRtpParameters(kind, extended);
  rtp.codecs = ortc.reduceCodecs(rtp.codecs);
  answer.codecs = ortc.reduceCodecs(answer.codecs);
  return { rtp: rtp as unknown as RtpParameters, answer: answer as unknown as RtpParameters };
}

/** A section that sends nothing is answered with its own codecs, inactive: an m-line needs a format. */
function echo(media: Media, kind: types.MediaKind): RtpParameters {
  const codecs = (media.payloads ?? "").split(" ").map((payload): types.RtpCodecParameters => {
    const mapped = media.rtp.find((one) => String(one.payload) === payload);
    return {
      mimeType: `${kind}/${mapped?.codec ?? "unknown"}`,
      payloadType: Number(payload),
      clockRate: mapped?.rate ?? 90000,
      parameters: {},
      rtcpFeedback: [],
      ...(mapped?.encoding === undefined ? {} : { channels: mapped.encoding }),
    };
  });
  return { codecs, headerExtensions: [], encodings: [], rtcp: {} };
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

function iceUfrag(parsed: sdpTransform.SessionDescription): string {
  const found =
    parsed.iceUfrag ?? parsed.media.find((media) => !isStopped(media) && media.iceUfrag)?.iceUfrag;
  if (found === undefined) throw invalid("The offer has no ice-ufrag.");
  return found;
}

/** The parser takes what looks like a number for one. */
function midOf(media: Media): string {
  return String(media.mid);
}

/** A port of 0 means that the section is stopped, unless it rides on another's transport (RFC 9143 §6). */
function isStopped(media: Media): boolean {
  return media.port === 0 && (media as { bundleOnly?: string }).bundleOnly === undefined;
}

/** One transport carries everything. */
function checkBundle(parsed: sdpTransform.SessionDescription): void {
  const live = parsed.media.filter((media) => !isStopped(media));
  if (live.length < 2) return;
  const group = parsed.groups?.find((one) => one.type === "BUNDLE");
  const listed: unknown = group?.mids; // one alone looks like a number to the parser
  const mids = new Set(String(listed).split(" "));
  if (!live.every((media) => mids.has(midOf(media)))) {
    throw invalid("All sections of an offer must be bundled.");
  }
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
