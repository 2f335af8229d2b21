import type {
  CandidateEvent,
  ConnectionState,
  DescriptionEvent,
  Placement,
  RepairStep,
  RestartEvent,
} from "./generated/protocol.ts";
import type { LocalTrack } from "./local-track.ts";
import type { MediaLink } from "./peer.ts";
import { Publisher } from "./publisher.ts";
import { type TransportStats, transportStats } from "./transport.ts";
import { Subscriber } from "./subscriber.ts";

/** The media of one epoch: at most a publisher and a subscriber, each made when it is first needed. */
export class PlacementMedia {
  private publisher: Publisher | null = null;
  private currentSubscriber: Subscriber | null = null;
  private receives = true;
  private saving = false;

  constructor(
    private readonly placement: Placement,
    private readonly link: MediaLink,
  ) {}

  get epoch(): number {
    return this.placement.epoch;
  }

  /** Null before the server's first offer, and after `dropSubscriber`. */
  get subscriber(): Subscriber | null {
    return this.currentSubscriber;
  }

  setLocalTracks(tracks: readonly LocalTrack[]): void {
    if (this.placement.topology === "waiting") return;
    if (tracks.length > 0 && !this.publisher) {
      this.publisher = new Publisher(this.placement, this.link);
      this.publisher.saveData(this.saving);
    }
    this.publisher?.setTracks(tracks);
  }

  /** A local track is muted or unmuted, or carries something else. */
  altered(): void {
    this.publisher?.altered();
  }

  saveData(saving: boolean): void {
    this.saving = saving;
    this.publisher?.saveData(saving);
  }

  /** The network has changed: both connections look for a way anew. */
  renewIce(): void {
    this.publisher?.restart();
    this.currentSubscriber?.restart();
  }

  description(event: DescriptionEvent): void {
    const { type, sdp } = event.description;
    if (event.pc === "publisher" && type === "answer") this.publisher?.answered(event.negotiation, sdp);
    if (event.pc === "subscriber" && type === "offer") this.receive()?.offered(event);
  }

  candidate(event: CandidateEvent): void {
    if (event.pc === "publisher") this.publisher?.candidate(event);
    else this.receive()?.candidate(event);
  }

  restart({ pc, ice_servers }: RestartEvent): void {
    if (pc === "publisher") this.publisher?.restart(ice_servers);
    else this.currentSubscriber?.useServers(ice_servers);
  }

  /** As `resume` lists them. */
  connections(): ConnectionState[] {
    return [this.publisher, this.currentSubscriber].flatMap((connection) =>
      connection ? [connection.state()] : [],
    );
  }

  resumed(steps: readonly RepairStep[]): void {
    const step = steps.find(({ epoch, pc }) => epoch === this.epoch && pc === "publisher");
    this.publisher?.resumed(step?.action ?? "none");
    this.currentSubscriber?.resumed();
  }

  /** Whether everything that this client sends, and all tracks in `expected`, flow here. */
  flows(expected: readonly string[]): boolean {
    const sends = !this.publisher || this.publisher.connected;
    const subscriber = this.currentSubscriber;
    const receives = expected.length === 0 || (subscriber?.connected ?? false);
    return sends && receives && expected.every((track) => subscriber?.flows(track));
  }

  /** What the sending connection has counted; null while nothing is sent here. */
  async sent(): Promise<RTCStatsReport | null> {
    return this.publisher ? this.publisher.stats() : null;
  }

  async transports(): Promise<TransportStats[]> {
    const [sent, received] = await Promise.all([this.publisher?.stats(), this.currentSubscriber?.stats()]);
    const states = this.connections();
    return states.flatMap(({ pc }) => {
      const report = pc === "publisher" ? sent : received;
      return report ? [transportStats(pc, report)] : [];
    });
  }

  /** Receives nothing here any more, whatever the server may still offer. */
  dropSubscriber(): void {
    this.receives = false;
    this.currentSubscriber?.close();
    this.currentSubscriber = null;
  }

  close(): void {
    this.publisher?.close();
    this.publisher = null;
    this.dropSubscriber();
  }

  private receive(): Subscriber | null {
    if (this.receives) this.currentSubscriber ??= new Subscriber(this.placement, this.link);
    return this.currentSubscriber;
  }
}
