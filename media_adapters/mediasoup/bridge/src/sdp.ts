// What both directions of plain SDP need. No I/O.

import { RemoteSdp } from "mediasoup-client/handlers/sdp/RemoteSdp";
import type { types } from "mediasoup";

/** Our end of a connection. */
export type LocalTransport = Pick<
  types.WebRtcTransport,
  "iceParameters" | "iceCandidates" | "dtlsParameters"
>;

/** A description still without sections. Everything is copied: RemoteSdp writes into what it gets. */
export function remoteSdp(transport: LocalTransport, role: types.DtlsRole): RemoteSdp {
  return new RemoteSdp({
    iceParameters: { ...transport.iceParameters },
    iceCandidates: transport.iceCandidates.map((candidate) => ({ ...candidate })),
    dtlsParameters: { fingerprints: strong(transport.dtlsParameters.fingerprints), role },
  });
}

/** Of all that mediasoup names, the one that everybody takes (RFC 8122 §5 wants SHA-256). */
function strong(fingerprints: types.DtlsFingerprint[]): types.DtlsFingerprint[] {
  return fingerprints.filter((one) => one.algorithm === "sha-256").map((one) => ({ ...one }));
}

/** Its text. The origin line counts the descriptions of a connection (RFC 8829 §5.2.2) and tells nothing else. */
export function written(remote: RemoteSdp, version: number): string {
  return remote.getSdp().replace(/^o=.*$/m, `o=- 1 ${version} IN IP4 0.0.0.0`);
}
