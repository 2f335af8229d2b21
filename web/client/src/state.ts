import type {
  ChatMessage,
  LobbyLeft,
  Participant,
  ParticipantLeft,
  Policy,
  RoomSnapshot,
  TopicMessage as TopicMessageEvent,
  Track,
  Waiting,
} from "./generated/protocol.ts";
import type { ServerEvent } from "./connection.ts";

/** The room as this participant may see it. Immutable: each change makes a new one. */
export interface RoomState {
  readonly room: string;
  readonly incarnation: string;
  readonly version: number;
  readonly policy: Policy;
  readonly participants: ReadonlyMap<string, Participant>;
  /** Who waits to be let in, by participant id; only moderators are told. */
  readonly lobby: ReadonlyMap<string, Waiting>;
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
  | { readonly type: "moderatorChanged"; readonly participant: Participant }
  | { readonly type: "policyChanged"; readonly policy: Policy }
  | { readonly type: "lobbyWaiting"; readonly waiting: Waiting }
  | { readonly type: "lobbyLeft"; readonly waiting: Waiting; readonly reason: LobbyLeft["reason"] }
  | { readonly type: "trackPublished"; readonly track: Track }
  | { readonly type: "trackUpdated"; readonly track: Track }
  | { readonly type: "trackEnded"; readonly track: Track }
  | { readonly type: "chat"; readonly message: ChatMessage }
  | { readonly type: "message"; readonly message: TopicMessage };

/** What somebody has sent by `sendMessage`. `sent_at` in ms since the epoch. */
export type TopicMessage = Pick<TopicMessageEvent, "participant" | "topic" | "text" | "sent_at">;

export interface Step {
  readonly state: RoomState;
  readonly changes: readonly RoomChange[];
}

const CHAT_KEPT = 500;

export const EMPTY_ROOM: RoomState = {
  room: "",
  incarnation: "",
  version: 0,
  policy: { capacity: 0, lobby: false, locked: false },
  participants: new Map(),
  lobby: new Map(),
  tracks: new Map(),
  chat: [],
};

/** The room after an event. An event that tells nothing new, or nothing about the room, changes nothing. */
export function reduce(state: RoomState, event: ServerEvent): Step {
  switch (event.type) {
    case "snapshot":
    case "lobby.admitted":
      return replace(state, event.snapshot);
    case "participant.joined":
    case "participant.updated":
      return withVersion(putParticipant(state, event.participant), event.version);
    case "participant.left":
      return withVersion(dropParticipant(state, event.participant, event.reason), event.version);
    case "moderator.changed":
      return withVersion(tellOfModerator(state, event.participant), event.version);
    case "room.updated":
      return withVersion(putPolicy(state, event.policy), event.version);
    case "lobby.waiting":
      return withVersion(putWaiting(state, event.waiting), event.version);
    case "lobby.left":
      return withVersion(dropWaiting(state, event.participant, event.reason), event.version);
    case "track.published":
    case "track.updated":
      return withVersion(putTrack(state, event.track), event.version);
    case "track.ended":
      return withVersion(dropTrack(state, event.track), event.version);
    case "chat.message":
      return withVersion(addChat(state, event.message), event.version);
    case "message": {
      const { participant, topic, text, sent_at } = event;
      return { state, changes: [{ type: "message", message: { participant, topic, text, sent_at } }] };
    }
    default:
      return { state, changes: [] };
  }
}

/** The room after a snapshot, which replaces all that was known; the differences are told as ordinary changes. */
export function replace(before: RoomState, snapshot: RoomSnapshot): Step {
  const participants = new Map(snapshot.participants.map((participant) => [participant.id, participant]));
  const tracks = new Map(snapshot.tracks.map((track) => [track.id, track]));
  const lobby = new Map(snapshot.lobby.map((waiting) => [waiting.id, waiting]));
  const steps: ((state: RoomState) => Step)[] = [
    ...[...before.tracks.keys()]
      .filter((id) => !tracks.has(id))
      .map((id) => (s: RoomState) => dropTrack(s, id)),
    ...[...before.participants.keys()]
      .filter((id) => !participants.has(id))
      .map((id) => (s: RoomState) => dropParticipant(s, id, "left")),
    ...[...before.lobby.keys()]
      .filter((id) => !lobby.has(id))
      .map((id) => (s: RoomState) => dropWaiting(s, id, participants.has(id) ? "admitted" : "left")),
    (s: RoomState) => putPolicy(s, snapshot.policy),
    ...snapshot.lobby.map((waiting) => (s: RoomState) => putWaiting(s, waiting)),
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
  return { state: { ...state, version: snapshot.version, participants, lobby, tracks }, changes };
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

function tellOfModerator(state: RoomState, id: string): Step {
  const participant = state.participants.get(id);
  return { state, changes: participant ? [{ type: "moderatorChanged", participant }] : [] };
}

function putPolicy(state: RoomState, policy: Policy): Step {
  if (same(state.policy, policy)) return { state, changes: [] };
  return { state: { ...state, policy }, changes: [{ type: "policyChanged", policy }] };
}

function putWaiting(state: RoomState, waiting: Waiting): Step {
  const known = state.lobby.get(waiting.id);
  if (known && same(known, waiting)) return { state, changes: [] };
  const lobby = new Map(state.lobby).set(waiting.id, waiting);
  return { state: { ...state, lobby }, changes: [{ type: "lobbyWaiting", waiting }] };
}

function dropWaiting(state: RoomState, id: string, reason: LobbyLeft["reason"]): Step {
  const waiting = state.lobby.get(id);
  if (!waiting) return { state, changes: [] };
  const lobby = new Map(state.lobby);
  lobby.delete(id);
  return { state: { ...state, lobby }, changes: [{ type: "lobbyLeft", waiting, reason }] };
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
