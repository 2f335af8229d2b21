import type {
  CandidateEvent,
  ConnectionState,
  IceServer,
  Placement,
  PublishedTrack,
  RepairStep,
} from "./generated/protocol.ts";
import type { LocalTrack } from "./local-track.ts";
import { IceWatch } from "./ice-watch.ts";
import { type MediaLink, Peer } from "./peer.ts";
import { Slot } from "./slot.ts";
import { Serial } from "./timing.ts";

interface Offer {
  readonly negotiation: number;
  readonly sdp: string;
  readonly tracks: PublishedTrack[];
  /** Whether the server has taken it. */
  told: boolean;
}

/** The connection that sends. We offer; one offer is unanswered at a time, and later changes go into the next one. */
export class Publisher {
  private readonly peer: Peer;
  private readonly serial = new Serial();
  private readonly slots: Slot[] = [];
  private offer: Offer | null = null;
  private unanswered = false;
  private changed = false;
  private restartWanted = false;
  private saving = false;
  private readonly watch: IceWatch;

  constructor(
    private readonly placement: Placement,
    private readonly link: MediaLink,
  ) {
    this.peer = new Peer("publisher", placement, link);
    this.watch = new IceWatch(this.peer.pc, () => this.restart());
  }

  get connected(): boolean {
    return this.peer.connected;
  }

  /** Makes `tracks` the whole set that is sent. */
  setTracks(tracks: readonly LocalTrack[]): void {
    for (const slot of this.slots) {
      if (!slot.track || tracks.includes(slot.track)) continue;
      slot.free();
      this.changed = true;
    }
    for (const track of tracks) {
      if (this.slots.some((slot) => slot.track === track)) continue;
      this.assign(track);
      this.changed = true;
    }
    this.negotiate();
  }

  /** A track is muted or unmuted, or carries something else. */
  altered(): void {
    for (const slot of this.slots) slot.refresh();
  }

  /** Whether pictures are to be sent small and slow. */
  saveData(saving: boolean): void {
    this.saving = saving;
    for (const slot of this.slots) slot.saveData(saving);
  }

  /** Offers with fresh ICE credentials as soon as no other offer is unanswered. */
  restart(servers: readonly IceServer[] = []): void {
    this.peer.useServers(servers);
    if (!this.offer) return; // the first one brings fresh ones anyhow
    this.restartWanted = true;
    this.negotiate();
  }

  answered(negotiation: number, sdp: string): void {
    this.run(async () => {
      if (!this.unanswered || negotiation !== this.offer?.negotiation) return;
      try {
        await this.peer.pc.setRemoteDescription({ type: "answer", sdp });
      } catch (error) {
        await this.withdraw();
        throw error;
      }
      this.unanswered = false;
      this.peer.remote.applied(negotiation);
      await this.offerIfDue();
    });
  }

  candidate({ negotiation, candidate }: CandidateEvent): void {
    this.peer.remote.receive(negotiation, candidate ?? null);
  }

  /** What this connection has counted. */
  async stats(): Promise<RTCStatsReport> {
    return this.peer.pc.getStats();
  }

  state(): ConnectionState {
    return this.peer.state(this.offer?.negotiation ?? 0);
  }

  /** After a resume: what the server asks for, what it may have missed, and our candidates once more. */
  resumed(action: RepairStep["action"]): void {
    this.run(async () => {
      if (action === "restart") {
        this.unanswered = false; // that offer is lost to the server: nobody will answer it
        this.restartWanted = true;
        await this.offerIfDue();
      } else if (this.offer && (action === "repeat" || !this.offer.told)) {
        this.tell(this.offer);
      }
      this.peer.local.replay();
    });
  }

  close(): void {
    this.watch.close();
    this.peer.close();
  }

  private assign(track: LocalTrack): void {
    const simulcast = this.placement.simulcast && track.source === "camera";
    const free = this.slots.find((slot) => slot.fits(track, simulcast));
    const failed = (error: unknown) => this.report(error);
    if (free) {
      free.carry(track);
      return;
    }
    const slot = new Slot(this.peer.pc, track, simulcast, failed);
    if (this.saving) slot.saveData(true);
    this.slots.push(slot);
  }

  private negotiate(): void {
    this.run(() => this.offerIfDue());
  }

  private async offerIfDue(): Promise<void> {
    if (this.unanswered || (!this.changed && !this.restartWanted)) return;
    const { pc, remote, local } = this.peer;
    const iceRestart = this.restartWanted;
    const negotiation = (this.offer?.negotiation ?? 0) + 1;
    this.changed = false;
    this.restartWanted = false;
    const { sdp = "" } = await pc.createOffer({ iceRestart });
    if (iceRestart) {
      remote.restarted(negotiation);
      local.restarted();
    }
    await pc.setLocalDescription({ type: "offer", sdp });
    const tracks = this.slots.map((slot) => slot.published()).filter((track) => track !== null);
    this.offer = { negotiation, sdp, tracks, told: false };
    this.unanswered = true;
    this.tell(this.offer);
    local.described(negotiation);
  }

  /** Not part of the serial queue: the answer may come before the server's acknowledgement. */
  private tell(offer: Offer): void {
    const current = () => this.offer === offer;
    const description = { type: "offer", sdp: offer.sdp } as const;
    this.peer.describe(offer.negotiation, description, offer.tracks, current).then(
      (told) => {
        offer.told ||= told;
      },
      (error: unknown) => {
        this.report(error);
        this.run(async () => {
          if (current() && this.unanswered) await this.withdraw();
        });
      },
    );
  }

  /** The offer came to nothing: back to what was agreed on. The next change tries again. */
  private async withdraw(): Promise<void> {
    this.unanswered = false;
    this.changed = true;
    await this.peer.pc.setLocalDescription({ type: "rollback" });
  }

  private run(task: () => Promise<void>): void {
    this.serial
      .run(async () => (this.peer.closed ? undefined : task()))
      .catch((error: unknown) => this.report(error));
  }

  private report(error: unknown): void {
    if (!this.peer.closed) this.link.failed(error);
  }
}
