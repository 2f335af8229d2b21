import type { LocalTrack, Participant, Room, Track, TrackSource } from "@nexusvibe/client";

/** A picture of somebody: their camera or their screen. */
export interface Picture {
  /** What to show; null while it is off, or has not arrived. */
  readonly track: MediaStreamTrack | null;
  /** Its id in the room, when it is somebody else's. */
  readonly id: string | null;
  readonly on: boolean;
}

export type Role = "moderator" | "encoder" | "player" | "viewer" | null;

/** What the page shows of somebody in the room. */
export interface Person {
  readonly id: string;
  readonly identity: string;
  readonly name: string;
  readonly self: boolean;
  readonly connected: boolean;
  readonly role: Role;
  /** The place in line of those who raised their hands, null when theirs is down. */
  readonly inLine: number | null;
  readonly camera: Picture;
  readonly screen: Picture | null;
  readonly microphoneOn: boolean;
}

type Seen = Pick<Room, "me" | "state" | "localTracks" | "remoteTracks">;

const OFF: Picture = { track: null, id: null, on: false };

/** Everybody, oneself first, then by when they came. Players over HTTP are only shown in lists. */
export function peopleIn(room: Seen): readonly Person[] {
  const { me } = room;
  const others = [...room.state.participants.values()].filter(({ id }) => id !== me?.id);
  others.sort((one, other) => one.joined_at - other.joined_at || (one.id < other.id ? -1 : 1));
  const everybody = me ? [me, ...others] : others;
  const line = placesInLine(everybody);
  return everybody.map((participant) => personOf(room, participant, line.get(participant.id) ?? null));
}

/** The places in line of those whose hand is up, by participant id: who raised it first is 1. */
export function placesInLine(people: Iterable<Participant>): ReadonlyMap<string, number> {
  const raised = [...people].flatMap(({ id, hand_raised_at: at }) => (at == null ? [] : [{ id, at }]));
  raised.sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
  return new Map(raised.map(({ id }, index) => [id, index + 1]));
}

function personOf(room: Seen, participant: Participant, inLine: number | null): Person {
  const { id, identity, name, connected } = participant;
  const self = id === room.me?.id;
  const media = self ? own(room.localTracks) : theirs(room, id);
  return { id, identity, name, connected, self, role: roleOf(participant), inLine, ...media };
}

function own(tracks: readonly LocalTrack[]): Pick<Person, "camera" | "screen" | "microphoneOn"> {
  const sent = (source: TrackSource) => tracks.find((track) => track.source === source);
  const camera = sent("camera");
  return {
    camera: camera ? { track: camera.mediaTrack, id: null, on: !camera.muted } : OFF,
    screen: null, // a screen that shows itself shows a tunnel
    microphoneOn: sent("microphone")?.muted === false,
  };
}

function theirs(room: Seen, person: string): Pick<Person, "camera" | "screen" | "microphoneOn"> {
  const tracks = [...room.state.tracks.values()].filter(({ participant }) => participant === person);
  const sent = (source: TrackSource) => tracks.find((track) => track.source === source);
  const picture = (track: Track): Picture => ({
    track: room.remoteTracks.get(track.id)?.mediaTrack ?? null,
    id: track.id,
    on: !track.muted,
  });
  const [camera, screen] = [sent("camera"), sent("screen")];
  return {
    camera: camera ? picture(camera) : OFF,
    screen: screen && !screen.muted ? picture(screen) : null,
    microphoneOn: sent("microphone")?.muted === false,
  };
}

function roleOf({ client, permissions }: Participant): Role {
  if (client === "whip") return "encoder";
  if (client === "whep") return "player";
  if (permissions.moderate) return "moderator";
  return permissions.publish.length === 0 ? "viewer" : null;
}

/** The first letter as people see it, which may be several code points. */
export function initialOf(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.toUpperCase());
  return first?.segment ?? "?";
}
