import type { ChatMessage, Participant, ParticipantLeft, RoomSnapshot, Track } from "./generated/protocol.ts";
import type { ServerEvent } from "./connection.ts";

/** The room as this participant may see it. Immutable: each change makes a new one. */
export interface RoomState {
  readonly room: string;
  readonly incarnation: string;
  readonly version: number;
  readonly participants: ReadonlyMap<string, Participant>;
  readonly tracks: ReadonlyMap<string, Track>;
  readonly chat: readonly ChatMessage[];
}

/** What became different, in the order in which it is told. */
export type RoomChange =
  | { readonly type: "participantJoined"; readonly participant: Participant }
  | { readonly type: "participantUpdated"; readonly participant: Participant }
  | {
      readonly type: "participantLeft";
      readonly participant: Participant;
      readonly reason: ParticipantLeft["reason"];
    }
  | { readonly type: "trackPublished"; readonly track: Track }
  | { readonly type: "trackUpdated"; readonly track: Track }
  | { readonly type: "trackEnded"; readonly track: Track }
  | { readonly type: "chat"; readonly message: ChatMessage };

export interface Step {
  readonly state: RoomState;
  readonly changes: readonly RoomChange[];
}

const CHAT_KEPT = 500;

export const EMPTY_ROOM: RoomState = {
  room: "",
  incarnation: "",
  version: 0,
  participants: new Map(),
  tracks: new Map(),
  chat: [],
};

/** The room after an event. An event that tells nothing new, or nothing about the room, changes nothing. */
export function reduce(state: RoomState, event: ServerEvent): Step {
  switch (event.type) {
    case "snapshot":
      return replace(state, event.snapshot);
    case "participant.joined":
    case "participant.updated":
      return withVersion(putParticipant(state, event.participant), event.version);
    case "participant.left":
      return withVersion(dropParticipant(state, event.participant, event.reason), event.version);
    case "track.published":
    case "track.updated":
      return withVersion(putTrack(state, event.track), event.version);
    case "track.ended":
      return withVersion(dropTrack(state, event.track), event.version);
    case "chat.message":
      return withVersion(addChat(state, event.message), event.version);
    default:
      return { state, changes: [] };
  }
}

/** The room after a snapshot, which replaces all that was known; the differences are told as ordinary changes. */
export function replace(before: RoomState, snapshot: RoomSnapshot): Step {
  const participants = new Map(snapshot.participants.map((participant) => [participant.id, participant]));
  const tracks = new Map(snapshot.tracks.map((track) => [track.id, track]));
  const steps: ((state: RoomState) => Step)[] = [
    ...[...before.tracks.keys()]
      .filter((id) => !tracks.has(id))
      .map((id) => (s: RoomState) => dropTrack(s, id)),
    ...[...before.participants.keys()]
      .filter((id) => !participants.has(id))
      .map((id) => (s: RoomState) => dropParticipant(s, id, "left")),
    ...snapshot.participants.map((participant) => (s: RoomState) => putParticipant(s, participant)),
    ...snapshot.tracks.map((track) => (s: RoomState) => putTrack(s, track)),
    ...snapshot.chat.map((message) => (s: RoomState) => addChat(s, message)),
  ];
  let state: RoomState = { ...before, room: snapshot.room, incarnation: snapshot.incarnation };
  const changes: RoomChange[] = [];
  for (const step of steps) {
    const next = step(state);
    state = next.state;
    changes.push(...next.changes);
  }
  return { state: { ...state, version: snapshot.version, participants, tracks }, changes };
}

function withVersion({ state, changes }: Step, version: number): Step {
  return { state: { ...state, version: Math.max(state.version, version) }, changes };
}

function putParticipant(state: RoomState, participant: Participant): Step {
  const known = state.participants.get(participant.id);
  if (known && same(known, participant)) return { state, changes: [] };
  const participants = new Map(state.participants).set(participant.id, participant);
  const type = known ? "participantUpdated" : "participantJoined";
  return { state: { ...state, participants }, changes: [{ type, participant }] };
}

function dropParticipant(state: RoomState, id: string, reason: ParticipantLeft["reason"]): Step {
  const participant = state.participants.get(id);
  if (!participant) return { state, changes: [] };
  const theirs = [...state.tracks.values()].filter((track) => track.participant === id);
  const tracks = new Map(state.tracks);
  for (const track of theirs) tracks.delete(track.id);
  const participants = new Map(state.participants);
  participants.delete(id);
  return {
    state: { ...state, participants, tracks },
    changes: [
      ...theirs.map((track) => ({ type: "trackEnded", track }) as const),
      { type: "participantLeft", participant, reason },
    ],
  };
}

function putTrack(state: RoomState, track: Track): Step {
  const known = state.tracks.get(track.id);
  if (known && same(known, track)) return { state, changes: [] };
  const tracks = new Map(state.tracks).set(track.id, track);
  return {
    state: { ...state, tracks },
    changes: [{ type: known ? "trackUpdated" : "trackPublished", track }],
  };
}

function dropTrack(state: RoomState, id: string): Step {
  const track = state.tracks.get(id);
  if (!track) return { state, changes: [] };
  const tracks = new Map(state.tracks);
  tracks.delete(id);
  return { state: { ...state, tracks }, changes: [{ type: "trackEnded", track }] };
}

function addChat(state: RoomState, message: ChatMessage): Step {
  if (state.chat.some((known) => known.id === message.id)) return { state, changes: [] };
  return {
    state: { ...state, chat: [...state.chat, message].slice(-CHAT_KEPT) },
    changes: [{ type: "chat", message }],
  };
}

/** Both are values of the protocol. */
function same(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  const [ones, others] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
  return [...keys].every((key) => same(ones.get(key), others.get(key)));
}
