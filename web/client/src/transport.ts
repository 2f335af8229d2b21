import type { PeerConnectionRole } from "./generated/protocol.ts";
import { entriesOf } from "./stats.ts";

/** How one connection reaches the server (webrtc-stats `transport` and its candidate pair). */
export interface TransportStats {
  readonly pc: PeerConnectionRole;
  readonly state: RTCDtlsTransportState;
  /** ms; null before it is known. */
  readonly roundTripTime: number | null;
  /** Of this machine's end; `relay`: through a TURN server. Null before a way was found. */
  readonly candidate: RTCIceCandidateType | null;
  /** How that end sends: to its relay, if it is one. */
  readonly protocol: "udp" | "tcp" | "tls" | null;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** RTCIceCandidateStats, as far as we read it; the DOM's types lack it. */
interface LocalCandidate extends RTCStats {
  readonly candidateType?: RTCIceCandidateType;
  readonly protocol?: "udp" | "tcp";
  readonly relayProtocol?: "udp" | "tcp" | "tls";
}

export function transportStats(pc: PeerConnectionRole, report: RTCStatsReport): TransportStats {
  const [transport] = entriesOf<RTCTransportStats>(report, "transport");
  const pair = entriesOf<RTCIceCandidatePairStats>(report, "candidate-pair").find(
    ({ id }) => id === transport?.selectedCandidatePairId,
  );
  const local = entriesOf<LocalCandidate>(report, "local-candidate").find(
    ({ id }) => id === pair?.localCandidateId,
  );
  return {
    pc,
    state: transport?.dtlsState ?? "new",
    roundTripTime: pair?.currentRoundTripTime === undefined ? null : 1000 * pair.currentRoundTripTime,
    candidate: local?.candidateType ?? null,
    protocol: local?.relayProtocol ?? local?.protocol ?? null,
    bytesSent: transport?.bytesSent ?? 0,
    bytesReceived: transport?.bytesReceived ?? 0,
  };
}
