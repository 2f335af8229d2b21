import { iceUfrag } from "./candidates.ts";
import type {
  CandidateEvent,
  ConnectionState,
  DescriptionEvent,
  IceServer,
  Placement,
} from "./generated/protocol.ts";
import { IceWatch } from "./ice-watch.ts";
import { SoundLevels } from "./levels.ts";
import { isOver, type MediaLink, Peer } from "./peer.ts";
import { inboundReadings } from "./stats.ts";
import { Serial } from "./timing.ts";
import { ServerError } from "./errors.ts";

/** Of a picture, until it is taken for one that goes on: the first come unevenly, while its sender finds its pace. */
const WARM_FRAMES = 10;
/** The same for one that changes rarely, since its first frame. */
const WARM_MS = 1500;

interface Answer {
  readonly negotiation: number;
  readonly sdp: string;
  /** Whether the server has taken it. */
  told: boolean;
}

/** The connection that receives. The server offers; each m-section carries the track that the offer's map names. */
export class Subscriber {
  private readonly peer: Peer;
  private readonly serial = new Serial();
  private receivers: ReadonlyMap<string, RTCRtpReceiver> = new Map();
  private readonly flowing = new Set<string>();
  private readonly firstSeen = new Map<string, number>();
  private latest = 0;
  private ufrag: string | undefined;
  private answer: Answer | null = null;
  private restartAsked = false;
  private readonly levels = new SoundLevels();
  private readonly watch: IceWatch;

  constructor(
    private readonly placement: Placement,
    private readonly link: MediaLink,
  ) {
    this.peer = new Peer("subscriber", placement, link);
    this.watch = new IceWatch(this.peer.pc, () => this.restart());
  }

  get connected(): boolean {
    return this.peer.connected;
  }

  /** The receiver of each track that the server sends or is about to send, by track id. */
  get tracks(): ReadonlyMap<string, RTCRtpReceiver> {
    return this.receivers;
  }

  /** Whether media of the track has been seen here, as of the last `look`. */
  flows(track: string): boolean {
    return this.flowing.has(track);
  }

  /** Looks which tracks deliver media by now. */
  async look(): Promise<void> {
    const readings = inboundReadings(await this.stats());
    for (const [track, receiver] of this.receivers) {
      const reading = readings.get(receiver.track.id);
      if (receiver.track.kind === "audio" && reading?.packetsReceived) this.flowing.add(track);
      if (receiver.track.kind === "video" && this.warm(track, reading?.framesDecoded ?? 0))
        this.flowing.add(track);
    }
  }

  private warm(track: string, frames: number): boolean {
    if (frames === 0) return false;
    const since = this.firstSeen.get(track) ?? performance.now();
    this.firstSeen.set(track, since);
    return frames >= WARM_FRAMES || performance.now() - since >= WARM_MS;
  }

  /** How loud each track of sound is now, from 0 to 1, by track id. */
  async soundLevels(): Promise<ReadonlyMap<string, number>> {
    return this.levels.look(this.peer.pc, this.receivers);
  }

  /** Asks the server to offer anew with fresh ICE credentials. */
  restart(): void {
    if (this.restartAsked || this.peer.closed || !this.answer) return;
    this.restartAsked = true;
    const { epoch } = this.placement;
    this.link.askRestart({ type: "restart", epoch, pc: "subscriber" }).then(
      () => (this.restartAsked = false),
      (error: unknown) => {
        this.restartAsked = false;
        if (!(error instanceof ServerError && isOver(error))) this.report(error);
      },
    );
  }

  /** What this connection has counted. */
  async stats(): Promise<RTCStatsReport> {
    return this.peer.pc.getStats();
  }

  offered(event: DescriptionEvent): void {
    this.serial
      .run(async () => {
        if (this.peer.closed || event.negotiation < this.latest) return;
        if (event.negotiation !== this.answer?.negotiation) await this.accept(event);
        if (this.answer) this.tell(this.answer);
        this.peer.local.described(event.negotiation);
      })
      .catch((error: unknown) => this.report(error));
  }

  candidate({ negotiation, candidate }: CandidateEvent): void {
    this.peer.remote.receive(negotiation, candidate ?? null);
  }

  /** The server will offer anew; its offer is to meet these servers. */
  useServers(servers: readonly IceServer[]): void {
    this.peer.useServers(servers);
  }

  state(): ConnectionState {
    return this.peer.state(this.latest);
  }

  resumed(): void {
    if (this.answer && !this.answer.told) this.tell(this.answer);
    this.peer.local.replay();
  }

  close(): void {
    this.watch.close();
    this.peer.close();
    this.receivers = new Map();
  }

  private async accept({ negotiation, description, tracks }: DescriptionEvent): Promise<void> {
    const { pc, remote, local } = this.peer;
    const ufrag = iceUfrag(description.sdp);
    if (ufrag !== this.ufrag) {
      remote.restarted(negotiation);
      local.restarted();
    }
    this.latest = negotiation;
    this.ufrag = ufrag;
    await pc.setRemoteDescription(description);
    remote.applied(negotiation);
    await pc.setLocalDescription();
    this.answer = { negotiation, sdp: pc.localDescription?.sdp ?? "", told: false };
    this.map(tracks);
  }

  private map(tracks: DescriptionEvent["tracks"]): void {
    const byMid = new Map(this.peer.pc.getTransceivers().map(({ mid, receiver }) => [mid, receiver]));
    this.receivers = new Map(
      tracks.flatMap(({ mid, track }) => {
        const receiver = byMid.get(mid);
        return receiver ? [[track, receiver] as const] : [];
      }),
    );
    for (const track of this.flowing) if (!this.receivers.has(track)) this.flowing.delete(track);
    for (const track of this.firstSeen.keys()) if (!this.receivers.has(track)) this.firstSeen.delete(track);
    this.link.changed();
  }

  private tell(answer: Answer): void {
    const current = () => this.answer === answer;
    this.peer.describe(answer.negotiation, { type: "answer", sdp: answer.sdp }, [], current).then(
      (told) => {
        answer.told ||= told;
      },
      (error: unknown) => this.report(error),
    );
  }

  private report(error: unknown): void {
    if (!this.peer.closed) this.link.failed(error);
  }
}
