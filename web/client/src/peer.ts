import { LocalCandidates, RemoteCandidates } from "./candidates.ts";
import { ConnectionLost, ServerError } from "./errors.ts";
import type {
  Candidate,
  ConnectionState,
  Description,
  IceServer,
  PeerConnectionRole,
  Placement,
  Restart,
} from "./generated/protocol.ts";
import { retryDelay, wait } from "./timing.ts";

/** How peer connections reach the server, and whom they tell about themselves. */
export interface MediaLink {
  /** Resolves when the server has taken it; rejects with `ServerError` or `ConnectionLost`. */
  describe(message: Description): Promise<unknown>;
  trickle(message: Candidate): void;
  /** Asks the server for an ICE restart, also after a lost connection. Resolves when it has taken it. */
  askRestart(message: Restart): Promise<unknown>;
  /** A connection came up or went down, or its tracks changed. */
  changed(): void;
  failed(error: unknown): void;
}

/** What publisher and subscriber share: one RTCPeerConnection, its place in the protocol, and candidates both ways. */
export class Peer {
  readonly pc: RTCPeerConnection;
  readonly remote: RemoteCandidates;
  readonly local: LocalCandidates;
  private readonly closing = new AbortController();

  constructor(
    private readonly role: PeerConnectionRole,
    private readonly placement: Placement,
    readonly link: MediaLink,
  ) {
    const { epoch } = placement;
    this.pc = new RTCPeerConnection(configuration(placement));
    this.remote = new RemoteCandidates((candidate) => void this.add(candidate));
    this.local = new LocalCandidates((negotiation, candidate) =>
      link.trickle({ type: "candidate", epoch, pc: role, negotiation, candidate }),
    );
    this.pc.onicecandidate = ({ candidate }) => {
      // An empty candidate ends one generation; null ends them all.
      if (candidate?.candidate !== "") this.local.gather(candidate ? initOf(candidate) : null);
    };
    this.pc.onconnectionstatechange = () => link.changed();
  }

  get closed(): boolean {
    return this.closing.signal.aborted;
  }

  get connected(): boolean {
    return this.pc.connectionState === "connected";
  }

  /**
   * Gives the server a description until it has taken it. False: the connection was lost first, and what follows the
   * resume decides. `current` says whether it is still the one to send.
   */
  async describe(
    negotiation: number,
    description: Description["description"],
    tracks: NonNullable<Description["tracks"]>,
    current: () => boolean,
  ): Promise<boolean> {
    const { epoch } = this.placement;
    const message: Description = {
      type: "description",
      epoch,
      pc: this.role,
      negotiation,
      description,
      tracks,
    };
    for (let attempt = 1; current() && !this.closed; attempt++) {
      try {
        await this.link.describe(message);
        return true;
      } catch (error) {
        if (error instanceof ConnectionLost) return false;
        if (error instanceof ServerError && isOver(error)) return true;
        if (!(error instanceof ServerError && error.retryable)) throw error;
        await wait(error.retryAfterMs ?? retryDelay(attempt), this.closing.signal);
      }
    }
    return true;
  }

  useServers(servers: readonly IceServer[]): void {
    if (servers.length > 0)
      this.pc.setConfiguration(configuration({ ...this.placement, ice_servers: [...servers] }));
  }

  /** As `resume` lists it. */
  state(negotiation: number): ConnectionState {
    const { signalingState } = this.pc;
    const known = signalingState === "have-local-offer" || signalingState === "have-remote-offer";
    const signaling_state = known ? signalingState : this.closed ? "closed" : "stable";
    return { epoch: this.placement.epoch, pc: this.role, negotiation, signaling_state };
  }

  close(): void {
    this.closing.abort();
    this.pc.onicecandidate = null;
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }

  private async add(candidate: RTCIceCandidateInit | null): Promise<void> {
    try {
      await this.pc.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      // One unusable candidate is no reason to end a call, and others may do.
      if (!this.closed) this.link.failed(error);
    }
  }
}

/** Whether the server speaks of a negotiation or a placement that has ended meanwhile: a newer one is on its way. */
export function isOver({ code }: ServerError): boolean {
  return code === "stale_message" || code === "not_found";
}

function initOf(candidate: RTCIceCandidate): Candidate["candidate"] {
  const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
  return { candidate: candidate.candidate, sdpMid, sdpMLineIndex, usernameFragment };
}

function configuration({ ice_servers, ice_policy }: Placement): RTCConfiguration {
  return {
    bundlePolicy: "max-bundle",
    iceTransportPolicy: ice_policy,
    iceServers: ice_servers.map(({ urls, username, credential }) => ({
      urls,
      ...(username != null && { username }),
      ...(credential != null && { credential }),
    })),
  };
}
