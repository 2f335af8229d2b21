// What is read in any offer of a client. No I/O.

import { extractDtlsParameters, extractRtpCapabilities } from "mediasoup-client/handlers/sdp/commonUtils";
import * as ortc from "mediasoup-client/ortc";
import type { types } from "mediasoup";
import * as sdpTransform from "sdp-transform";

import { invalid } from "./errors.ts";

export type Media = sdpTransform.MediaDescription;

/** What an m-section and the router both can, by the router's preference. */
export function common(media: Media, router: types.RtpCapabilities) {
  // One section at a time: extractRtpCapabilities() keeps one entry per extension id, so with audio and video
  // together the ids that they share are lost for all kinds but the last.
  const local = extractRtpCapabilities({ sdpObject: { media: [media] } as sdpTransform.SessionDescription });
  ortc.validateAndNormalizeRtpCapabilities(local);
  // Cloned: it writes H264 profiles into both.
  return ortc.getExtendedRtpCapabilities(local, structuredClone(router) as never, false);
}

/** A section that carries nothing is answered with its own codecs, inactive: an m-line needs a format. */
export function echo(media: Media, kind: types.MediaKind): types.RtpParameters {
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

/** Clients offer actpass; the answer is passive, because an ICE-lite peer can't tell when to start DTLS. */
export function dtlsOf(parsed: sdpTransform.SessionDescription): types.DtlsParameters {
  return { ...extractDtlsParameters({ sdpObject: parsed }), role: "client" };
}

export function iceUfrag(parsed: sdpTransform.SessionDescription): string {
  const found =
    parsed.iceUfrag ?? parsed.media.find((media) => !isStopped(media) && media.iceUfrag)?.iceUfrag;
  if (found === undefined) throw invalid("The offer has no ice-ufrag.");
  return found;
}

/** The parser takes what looks like a number for one. */
export function midOf(media: Media): string {
  return String(media.mid);
}

/** A port of 0 means that the section is stopped, unless it rides on another's transport (RFC 9143 §6). */
export function isStopped(media: Media): boolean {
  return media.port === 0 && (media as { bundleOnly?: string }).bundleOnly === undefined;
}

/** One transport carries everything. */
export function checkBundle(parsed: sdpTransform.SessionDescription): void {
  const live = parsed.media.filter((media) => !isStopped(media));
  if (live.length < 2) return;
  const group = parsed.groups?.find((one) => one.type === "BUNDLE");
  const listed: unknown = group?.mids; // one alone looks like a number to the parser
  const mids = new Set(String(listed).split(" "));
  if (!live.every((media) => mids.has(midOf(media)))) {
    throw invalid("All sections of an offer must be bundled.");
  }
}
