import { Congestion, type Fare, limited, SAVING_LEVEL, type Shown } from "./congestion.ts";
import { Demand, lower, type Wish } from "./demand.ts";
import type { SimulcastLayer, Subscribe, Track } from "./generated/protocol.ts";
import { type Asked, trackQuality, type TrackQuality, uplinkQuality } from "./quality.ts";
import { type QualityReport, qualityReport } from "./quality-report.ts";
import type { RemoteTrack } from "./remote-tracks.ts";
import type { RoomState } from "./state.ts";
import type { InboundReading, OutboundReading } from "./stats.ts";
import { Latest, wait } from "./timing.ts";
import { Views } from "./views.ts";

/** One of the tracks that `setWanted` lists. */
export interface WantedTrack {
  readonly track: string;
  readonly layer?: SimulcastLayer;
}

/** What the connections have counted at one time. */
export interface Readings {
  /** By the id of the receiver's MediaStreamTrack. */
  readonly inbound: ReadonlyMap<string, InboundReading>;
  readonly outbound: OutboundReading | null;
}

/** What reception has to know of the room, and whom it tells. */
export interface ReceptionHandlers {
  room(): RoomState;
  mayReceive(): boolean;
  remoteTracks(): ReadonlyMap<string, RemoteTrack>;
  readings(): Promise<Readings>;
  /** Resolves when the server has taken it. */
  subscribe(message: Subscribe): Promise<unknown>;
  quality(report: QualityReport): void;
  failed(error: unknown): void;
}

const EVERYTHING: Subscribe = { type: "subscribe", tracks: null };
/** At most so often is the server told, in ms: scrolling changes much, and only where it ends counts. */
const PACE = 250;
const LOOK_EVERY = 2000;
const UNTOUCHED = { wish: "high", reason: null } as const satisfies Asked;
const SAVED = { wish: "low", reason: null } as const satisfies Asked;

/** What this client asks for, from what it shows, what the page says, and what the network bears. */
export class Reception {
  private wanted: readonly WantedTrack[] | null = null;
  private readonly chosen = new Map<string, Wish>();
  private readonly views = new Views(() => this.update());
  private readonly demand = new Demand();
  private readonly congestion = new Congestion();
  private asked: ReadonlyMap<string, Asked> = new Map();
  private told = JSON.stringify(EVERYTHING);
  private readonly requests: Latest<Subscribe>;
  private readonly ending = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private joined = false;
  private inbound: ReadonlyMap<string, InboundReading> = new Map();
  private outbound: OutboundReading | null = null;
  private shown: readonly Shown[] = [];
  private saving = false;

  constructor(private readonly handlers: ReceptionHandlers) {
    this.requests = new Latest(
      async (message) => {
        await handlers.subscribe(message);
        await wait(PACE, this.ending.signal);
      },
      (error) => handlers.failed(error),
    );
  }

  setWanted(tracks: readonly WantedTrack[] | null): void {
    this.wanted = tracks;
    this.update();
  }

  setLayer(track: string, wish: Wish | null): void {
    if (wish) this.chosen.set(track, wish);
    else this.chosen.delete(track);
    this.update();
  }

  /** Whether to receive no more than is needed: the largest picture in medium, the others in low. */
  saveData(saving: boolean): void {
    this.saving = saving;
    this.update();
  }

  attach(track: string, element: Element): () => void {
    return this.views.attach(track, element);
  }

  /** Whether media of the track are to flow now. */
  expects(track: string): boolean {
    if (!this.handlers.mayReceive()) return false;
    const listed = this.wanted?.some((entry) => entry.track === track) ?? true;
    return listed && this.askedFor(track).wish !== "paused";
  }

  /** The connection to the server is a new one, which knows no wishes. */
  connected(): void {
    this.told = JSON.stringify(EVERYTHING);
    if (!this.joined) void this.keepLooking();
    this.joined = true;
    this.update();
  }

  /** Something that wishes hang on is different now. */
  update(): void {
    if (this.ending.signal.aborted) return;
    clearTimeout(this.timer);
    const views = this.views.current();
    const { wishes, again } = this.demand.look(views, performance.now());
    if (again !== null) this.timer = setTimeout(() => this.update(), again);
    const shown = [...wishes].flatMap(([track, wish]) =>
      this.isPicture(track) && !this.chosen.has(track)
        ? [{ track, wish, height: views.get(track)?.height ?? 0 }]
        : [],
    );
    const most = limited(shown, this.saving ? SAVING_LEVEL : 0);
    this.shown = shown.map((one) => ({ ...one, wish: most.get(one.track) ?? one.wish }));
    this.decide();
    this.tell();
  }

  /** For good. */
  close(): void {
    this.ending.abort();
    clearTimeout(this.timer);
    this.views.close();
  }

  private decide(): void {
    const bearable = limited(this.shown, this.congestion.level);
    const asked = new Map<string, Asked>();
    for (const { track, wish: fits } of this.shown) {
      const wish = bearable.get(track) ?? fits;
      asked.set(track, { wish, reason: fits === "paused" ? "hidden" : wish === fits ? null : "bandwidth" });
    }
    for (const [track, wish] of this.chosen) {
      asked.set(track, { wish, reason: wish === "paused" ? "chosen" : null });
    }
    this.asked = asked;
  }

  private askedFor(track: string): Asked {
    return this.asked.get(track) ?? (this.saving && this.isPicture(track) ? SAVED : UNTOUCHED);
  }

  private tell(): void {
    if (!this.joined || !this.handlers.mayReceive()) return;
    const message = this.message();
    const text = JSON.stringify(message);
    if (text === this.told) return;
    this.told = text;
    this.requests.push(message);
  }

  /** With everything wanted only the exceptions are said: a new track then flows without being asked for. */
  private message(): Subscribe {
    if (this.wanted) {
      const tracks = this.wanted.map(({ track, layer = "high" }) =>
        entryOf(track, layer, this.askedFor(track).wish),
      );
      return { type: "subscribe", tracks };
    }
    const { tracks } = this.handlers.room();
    const others = this.saving ? SAVED.wish : UNTOUCHED.wish;
    const exceptions = [...this.asked].filter(([track, { wish }]) => wish !== others && tracks.has(track));
    if (exceptions.length === 0 && others === "high") return EVERYTHING;
    const entries = exceptions.map(([track, { wish }]) => entryOf(track, "high", wish));
    return { type: "subscribe", tracks: entries, others };
  }

  private isPicture(track: string): boolean {
    return this.handlers.room().tracks.get(track)?.kind === "video";
  }

  private async keepLooking(): Promise<void> {
    const { signal } = this.ending;
    for (;;) {
      await wait(LOOK_EVERY, signal);
      if (signal.aborted) return;
      try {
        this.judge(await this.handlers.readings());
      } catch (error) {
        this.handlers.failed(error);
      }
    }
  }

  private judge({ inbound, outbound }: Readings): void {
    if (this.ending.signal.aborted) return;
    const before = this.inbound;
    const after = new Map<string, InboundReading>();
    const tracks = new Map<string, TrackQuality>();
    for (const [id, { track, mediaTrack }] of this.handlers.remoteTracks()) {
      const reading = inbound.get(mediaTrack.id);
      const asked = this.askedFor(id);
      if (reading && asked.wish !== "paused" && !track.muted) after.set(id, reading); // else counted anew afterwards
      const quality = trackQuality(track, asked, before.get(id), after.get(id));
      if (quality) tracks.set(id, quality);
    }
    const uplink = uplinkQuality(this.outbound, outbound);
    this.inbound = after;
    this.outbound = outbound;
    this.congestion.look(faresOf(this.shown, tracks), this.shown, performance.now());
    this.update();
    this.handlers.quality(qualityReport(tracks, uplink));
  }
}

function entryOf(track: Track["id"], layer: SimulcastLayer, wish: Wish) {
  const least = lower(layer, wish);
  return least === "paused" ? { track, paused: true } : { track, layer: least };
}

/** How the attached pictures that flow have fared. */
function faresOf(shown: readonly Shown[], tracks: ReadonlyMap<string, TrackQuality>): Fare[] {
  return shown.flatMap(({ track }) => {
    const quality = tracks.get(track);
    return quality && quality.rating !== "paused" ? [quality] : [];
  });
}
