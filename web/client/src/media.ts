import type { ServerEvent } from "./connection.ts";
import type { ConnectionState, Placement, RepairStep } from "./generated/protocol.ts";
import type { LocalTrack } from "./local-track.ts";
import type { MediaLink } from "./peer.ts";
import { PlacementMedia } from "./placement.ts";
import type { Readings } from "./reception.ts";
import { chooseReceivers, type RemoteTrack } from "./remote-tracks.ts";
import type { RoomState } from "./state.ts";
import { inboundReadings, NOTHING, outboundReading, sourceLevel, type TrackStats } from "./stats.ts";
import { wait } from "./timing.ts";
import type { TransportStats } from "./transport.ts";

const EAGER_LOOKS = 50;
const EAGER_MS = 200;
const PATIENT_MS = 2000;
/** The server closes an old placement within 5 s; its word for that may have been lost with a connection. */
const AFTERLIFE_MS = 10_000;

/** What the media have to know of the room, and whom they tell. */
export interface MediaHandlers extends Omit<MediaLink, "changed"> {
  room(): RoomState;
  me(): string;
  /** Whether media of the track are to flow to this client now. */
  expects(track: string): boolean;
  subscribed(remote: RemoteTrack): void;
  unsubscribed(remote: RemoteTrack): void;
  /** All wanted media flow in this epoch. */
  ready(epoch: number): void;
}

/** The placements that live now: the current one, and while a call moves the one that it comes from. */
export class Media {
  private current: PlacementMedia | null = null;
  private previous: PlacementMedia | null = null;
  private currentReady = false;
  private localTracks: readonly LocalTrack[] = [];
  private saving = false;
  private shown: ReadonlyMap<string, RemoteTrack> = new Map();
  private watching = new AbortController();
  private readonly link: MediaLink;

  constructor(private readonly handlers: MediaHandlers) {
    this.link = {
      describe: (message) => handlers.describe(message),
      trickle: (message) => handlers.trickle(message),
      askRestart: (message) => handlers.askRestart(message),
      failed: (error) => handlers.failed(error),
      changed: () => this.refresh(),
    };
  }

  /** What is received now, by track id. */
  get remoteTracks(): ReadonlyMap<string, RemoteTrack> {
    return this.shown;
  }

  /** Builds a newer placement beside the old one; an epoch that is known or over is ignored. */
  place(placement: Placement): void {
    if (this.current && placement.epoch <= this.current.epoch) return;
    if (this.currentReady || !this.previous) {
      this.previous?.close();
      this.previous = this.current;
    } else {
      this.current?.close(); // unfinished: the older one still carries the call
    }
    this.current = new PlacementMedia(placement, this.link);
    this.currentReady = false;
    this.current.saveData(this.saving);
    this.current.setLocalTracks(this.localTracks);
    if (placement.topology !== "waiting") {
      this.watch(this.current).catch((error: unknown) => this.handlers.failed(error));
    }
    this.refresh();
  }

  /** The server is done with this epoch. If it is the newer of two, the call stays where it comes from. */
  closed(epoch: number): void {
    if (this.current?.epoch === epoch) {
      this.watching.abort();
      this.current.close();
      this.current = this.previous;
      this.currentReady = this.current !== null;
      this.previous = null;
    } else if (this.previous?.epoch === epoch) {
      this.previous.close();
      this.previous = null;
    } else {
      return;
    }
    this.refresh();
  }

  setLocalTracks(tracks: readonly LocalTrack[]): void {
    this.localTracks = tracks;
    for (const placement of this.living()) placement.setLocalTracks(tracks);
  }

  /** A local track is muted or unmuted, or carries something else. */
  altered(): void {
    for (const placement of this.living()) placement.altered();
  }

  /** Whether pictures are to be sent small and slow. */
  saveData(saving: boolean): void {
    this.saving = saving;
    for (const placement of this.living()) placement.saveData(saving);
  }

  /** The network has changed: every connection looks for a way anew. */
  renewIce(): void {
    for (const placement of this.living()) placement.renewIce();
  }

  handle(event: ServerEvent): void {
    if (event.type === "placement") this.place(event.placement);
    else if (event.type === "placement.closed") this.closed(event.epoch);
    else if (event.type === "description") this.find(event.epoch)?.description(event);
    else if (event.type === "candidate") this.find(event.epoch)?.candidate(event);
    else if (event.type === "restart") this.find(event.epoch)?.restart(event);
  }

  connections(): ConnectionState[] {
    return this.living().flatMap((placement) => placement.connections());
  }

  resumed(steps: readonly RepairStep[]): void {
    for (const placement of this.living()) placement.resumed(steps);
  }

  /** Tells what is newly received, and what is no more, after the room or a connection has changed. */
  refresh(): void {
    const room = this.handlers.room();
    const supplies = this.living().flatMap(({ subscriber }) => (subscriber ? [subscriber] : []));
    const receivers = chooseReceivers(room, this.handlers.me(), supplies);
    const before = this.shown;
    const shown = new Map<string, RemoteTrack>();
    for (const [id, { track: mediaTrack }] of receivers) {
      const track = room.tracks.get(id);
      const participant = track && room.participants.get(track.participant);
      if (track && participant) shown.set(id, { track, participant, mediaTrack });
    }
    this.shown = shown;
    for (const [id, remote] of before) if (!shown.has(id)) this.handlers.unsubscribed(remote);
    for (const [id, remote] of shown) {
      if (before.get(id)?.mediaTrack !== remote.mediaTrack) this.handlers.subscribed(remote);
    }
  }

  async stats(): Promise<TrackStats[]> {
    const { inbound } = await this.readings();
    return [...this.shown.values()].map(({ track, participant, mediaTrack }) => {
      const counts = inbound.get(mediaTrack.id) ?? NOTHING;
      const { framesDecoded, packetsReceived, bytesReceived } = counts;
      const whose = { track: track.id, participant: participant.id, kind: track.kind };
      return { ...whose, framesDecoded, packetsReceived, bytesReceived };
    });
  }

  /** One question to each connection, however many tracks it carries. */
  async readings(): Promise<Readings> {
    const subscribers = this.living().flatMap(({ subscriber }) => (subscriber ? [subscriber] : []));
    const reports = await Promise.all(subscribers.map((subscriber) => subscriber.stats()));
    const inbound = new Map(reports.flatMap((report) => [...inboundReadings(report)]));
    const sent = await this.current?.sent();
    return { inbound, outbound: sent ? outboundReading(sent) : null };
  }

  /** How loud everybody is now, from 0 to 1, by participant id. */
  async levels(): Promise<ReadonlyMap<string, number>> {
    const subscribers = this.living().flatMap(({ subscriber }) => (subscriber ? [subscriber] : []));
    const told = await Promise.all(subscribers.map((subscriber) => subscriber.soundLevels()));
    const byTrack = new Map(told.flatMap((levels) => [...levels]));
    const { participants, tracks } = this.handlers.room();
    const levels = new Map([...participants.keys()].map((id) => [id, 0]));
    for (const { id, participant, source, muted } of tracks.values()) {
      if (source !== "microphone" || muted || participant === this.handlers.me()) continue;
      if (levels.has(participant)) levels.set(participant, byTrack.get(id) ?? 0);
    }
    if (levels.has(this.handlers.me())) levels.set(this.handlers.me(), await this.ownLevel());
    return levels;
  }

  async transports(): Promise<TransportStats[]> {
    return (await this.current?.transports()) ?? [];
  }

  /** Ends all media. A later `place` begins anew. */
  close(): void {
    this.watching.abort();
    for (const placement of this.living()) placement.close();
    this.current = null;
    this.previous = null;
    this.refresh();
  }

  private async ownLevel(): Promise<number> {
    const microphone = this.localTracks.find(({ source, muted }) => source === "microphone" && !muted);
    const sent = microphone && (await this.current?.sent());
    return sent ? sourceLevel(sent, microphone.mediaTrack.id) : 0;
  }

  /** The newest first. */
  private living(): PlacementMedia[] {
    return [this.current, this.previous].filter((placement) => placement !== null);
  }

  private find(epoch: number): PlacementMedia | undefined {
    return this.living().find((placement) => placement.epoch === epoch);
  }

  /** Looks again and again whether all wanted media flow in a new placement, and says so once. */
  private async watch(placement: PlacementMedia): Promise<void> {
    this.watching.abort();
    const watching = (this.watching = new AbortController()).signal;
    for (let looks = 0; ; looks++) {
      await wait(looks < EAGER_LOOKS ? EAGER_MS : PATIENT_MS, watching);
      if (watching.aborted) return;
      await placement.subscriber?.look();
      if (this.current !== placement) return;
      if (this.previous) this.refresh();
      if (!placement.flows(this.expected())) continue;
      this.currentReady = true;
      this.previous?.dropSubscriber();
      this.refresh();
      this.handlers.ready(placement.epoch);
      break;
    }
    await wait(AFTERLIFE_MS, watching);
    const over = this.previous?.epoch;
    if (this.current === placement && over !== undefined) this.closed(over);
  }

  /** The tracks without which a new placement is not complete. */
  private expected(): string[] {
    const { participants, tracks } = this.handlers.room();
    return [...tracks.values()]
      .filter(
        ({ participant, muted }) =>
          !muted && participant !== this.handlers.me() && participants.has(participant),
      )
      .map(({ id }) => id)
      .filter((id) => this.handlers.expects(id));
  }
}
