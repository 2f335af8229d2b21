import type { IceCandidate } from "./generated/protocol.ts";

const MAX_QUEUED = 64;

/**
 * The other side's candidates (RFC 8838). Those that come before their description wait for it; those from before the
 * last ICE restart are dropped.
 */
export class RemoteCandidates {
  private queue: { negotiation: number; candidate: IceCandidate | null }[] = [];
  /** The description that began this ICE generation, and the latest that was applied. */
  private generation = 0;
  private described = -1;

  constructor(private readonly add: (candidate: IceCandidate | null) => void) {}

  receive(negotiation: number, candidate: IceCandidate | null): void {
    if (negotiation < this.generation) return;
    if (negotiation <= this.described) this.add(candidate);
    else if (this.queue.length < MAX_QUEUED) this.queue.push({ negotiation, candidate });
  }

  /** The connection's ICE starts anew with this negotiation. */
  restarted(negotiation: number): void {
    this.generation = negotiation;
    this.queue = this.queue.filter((queued) => queued.negotiation >= negotiation);
  }

  /** The remote description of this negotiation has been applied. */
  applied(negotiation: number): void {
    this.described = negotiation;
    const due = this.queue.filter((queued) => queued.negotiation <= negotiation);
    this.queue = this.queue.filter((queued) => queued.negotiation > negotiation);
    for (const { candidate } of due) this.add(candidate);
  }
}

/** Our candidates: held until their description has been sent, and kept, to be said again after a lost connection. */
export class LocalCandidates {
  private gathered: (IceCandidate | null)[] = [];
  private negotiation: number | null = null;

  constructor(private readonly send: (negotiation: number, candidate: IceCandidate | null) => void) {}

  gather(candidate: IceCandidate | null): void {
    this.gathered.push(candidate);
    if (this.negotiation !== null) this.send(this.negotiation, candidate);
  }

  /** The connection's ICE starts anew: what was gathered is void, and what comes waits for the description. */
  restarted(): void {
    this.gathered = [];
    this.negotiation = null;
  }

  /** The description with this number has been sent. */
  described(negotiation: number): void {
    const held = this.negotiation === null;
    this.negotiation = negotiation;
    if (held) this.replay();
  }

  replay(): void {
    const { negotiation } = this;
    if (negotiation !== null) for (const candidate of this.gathered) this.send(negotiation, candidate);
  }
}

/** The ICE user name fragment of a session description (RFC 8839 §5.4): a new one means an ICE restart. */
export function iceUfrag(sdp: string): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
}
