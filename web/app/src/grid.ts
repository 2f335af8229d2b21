import type { Participant, QualityReport, Room, TrackQuality, TrackSource } from "@nexusvibe/client";
import { find } from "./dom.ts";
import { placesInLine } from "./hand.ts";
import { columnsFor } from "./layout.ts";
import { received, sent } from "./quality.ts";
import { type Presence, Tile } from "./tile.ts";

/** A tile for each participant, oneself first. */
export class Grid {
  private readonly view = find("[data-testid=grid]");
  private readonly tiles = new Map<string, Tile>();

  constructor(
    private readonly room: Room,
    private readonly soundBlocked: () => void,
    private readonly failed: (error: unknown) => void,
    left: AbortSignal,
  ) {
    const resized = new ResizeObserver(() => this.arrange());
    resized.observe(this.view);
    left.addEventListener("abort", () => resized.disconnect());
    room.on("quality", (report) => this.showQuality(report));
  }

  refresh(): void {
    const { me } = this.room;
    const others = [...this.room.state.participants.values()].filter(({ id }) => id !== me?.id);
    const people = [...(me ? [me] : []), ...others.sort((one, other) => one.joined_at - other.joined_at)];
    this.forgetAllBut(new Set(people.map(({ id }) => id)));
    const line = placesInLine(people);
    for (const participant of people) {
      const inLine = line.get(participant.id) ?? null;
      this.tileOf(participant).show({ ...this.presence(participant), inLine });
    }
    this.arrange();
  }

  /** Once the person has clicked, the browser lets sound be played. */
  playAll(): void {
    for (const tile of this.tiles.values()) tile.start();
  }

  clear(): void {
    this.forgetAllBut(new Set());
  }

  private arrange(): void {
    const { clientWidth, clientHeight } = this.view;
    const columns = columnsFor(this.tiles.size, clientWidth, clientHeight);
    this.view.style.setProperty("--columns", String(columns));
    this.view.style.setProperty("--rows", String(Math.ceil(this.tiles.size / columns)));
  }

  private forgetAllBut(present: ReadonlySet<string>): void {
    for (const [id, tile] of this.tiles) {
      if (present.has(id)) continue;
      tile.remove();
      this.tiles.delete(id);
    }
  }

  private tileOf({ id }: Participant): Tile {
    const known = this.tiles.get(id);
    if (known) return known;
    const tile = new Tile(
      this.soundBlocked,
      () => void this.room.kick(id).catch(this.failed),
      () => void this.room.mute(id, "microphone").catch(this.failed),
      (track, element) => this.room.attach(track, element),
    );
    this.tiles.set(id, tile);
    this.view.append(tile.element);
    return tile;
  }

  private presence(participant: Participant): Omit<Presence, "inLine"> {
    const self = participant.id === this.room.me?.id;
    return self ? this.own(participant) : this.theirs(participant);
  }

  private own(participant: Participant): Omit<Presence, "inLine"> {
    const { localTracks } = this.room;
    const camera = localTracks.find(({ source }) => source === "camera");
    const mic = localTracks.find(({ source }) => source === "microphone");
    return {
      participant,
      self: true,
      picture: camera?.mediaTrack ?? null,
      pictureTrack: null,
      screen: false,
      sound: null,
      micOn: mic?.muted === false,
      cameraOn: camera?.muted === false,
      removable: false,
    };
  }

  private theirs(participant: Participant): Omit<Presence, "inLine"> {
    const [screen, camera] = [this.received(participant, "screen"), this.received(participant, "camera")];
    const picture = screen ?? camera;
    if (camera) this.room.setLayer(camera.track.id, screen ? "paused" : null); // it is behind the screen
    const sound = this.received(participant, "microphone");
    return {
      participant,
      self: false,
      picture: picture?.mediaTrack ?? null,
      pictureTrack: picture?.track.id ?? null,
      screen: screen !== undefined,
      sound: sound?.mediaTrack ?? null,
      micOn: this.sends(participant, "microphone"),
      cameraOn: this.sends(participant, "camera") || this.sends(participant, "screen"),
      removable: this.room.me?.permissions.moderate ?? false,
    };
  }

  private showQuality({ tracks, uplink }: QualityReport): void {
    for (const [id, tile] of this.tiles) {
      const theirs = [...tracks.values()].filter(({ participant }) => participant === id);
      const verdict = id === this.room.me?.id ? sent(uplink) : received(shownOf(theirs), soundOf(theirs));
      tile.showQuality(this.room.state.participants.get(id)?.name ?? "", verdict);
    }
  }

  private received({ id }: Participant, source: TrackSource) {
    return [...this.room.remoteTracks.values()].find(
      ({ track, participant }) => participant.id === id && track.source === source,
    );
  }

  private sends({ id }: Participant, source: TrackSource): boolean {
    return [...this.room.state.tracks.values()].some(
      (track) => track.participant === id && track.source === source && !track.muted,
    );
  }
}

/** The camera is paused while a screen is shown in its place. */
function shownOf(theirs: readonly TrackQuality[]): TrackQuality | undefined {
  const pictures = theirs.filter(({ kind }) => kind === "video");
  return pictures.find(({ reasons }) => !reasons.includes("chosen")) ?? pictures[0];
}

function soundOf(theirs: readonly TrackQuality[]): TrackQuality | undefined {
  return theirs.find(({ kind }) => kind === "audio");
}
