import { expect, test } from "vitest";
import type { ServerEvent } from "../src/connection.ts";
import type { ChatMessage, Participant, RoomSnapshot, Track } from "../src/generated/protocol.ts";
import { EMPTY_ROOM, reduce, replace, type RoomState } from "../src/state.ts";
import { SOMEBODY } from "./replica.ts";

const alice: Participant = {
  id: "p_alice",
  identity: "alice",
  name: "Alice",
  joined_at: 1,
  ...SOMEBODY,
};
const bob: Participant = {
  id: "p_bob",
  identity: "bob",
  name: "Bob",
  joined_at: 2,
  ...SOMEBODY,
};
const camera: Track = {
  id: "t_camera",
  participant: bob.id,
  kind: "video",
  source: "camera",
  muted: false,
  simulcast: true,
};
const hello: ChatMessage = { id: "m_1", participant: bob.id, name: "Bob", text: "Hello", sent_at: 3 };
const room: RoomSnapshot = {
  room: "demo",
  incarnation: "i_1",
  version: 7,
  policy: { capacity: 100, lobby: false, locked: false },
  lobby: [],
  participants: [alice, bob],
  tracks: [camera],
  chat: [hello],
};
const joined = replace(EMPTY_ROOM, room).state;

function types(state: RoomState, event: ServerEvent): string[] {
  return reduce(state, event).changes.map(({ type }) => type);
}

test("a first snapshot tells everybody and everything in it", () => {
  const { state, changes } = replace(EMPTY_ROOM, room);
  expect(changes.map(({ type }) => type)).toEqual([
    "policyChanged",
    "participantJoined",
    "participantJoined",
    "trackPublished",
    "chat",
  ]);
  expect(state).toMatchObject({ room: "demo", incarnation: "i_1", version: 7 });
});

test("a later snapshot tells only what is different", () => {
  const later = { ...room, version: 9, participants: [alice, { ...bob, connected: false }], tracks: [] };
  const { state, changes } = replace(joined, later);
  expect(changes).toEqual([
    { type: "trackEnded", track: camera },
    { type: "participantUpdated", participant: { ...bob, connected: false } },
  ]);
  expect(state.version).toBe(9);
  expect(state.chat).toEqual([hello]);
});

test("a snapshot without somebody ends their tracks before they leave", () => {
  const { changes } = replace(joined, { ...room, participants: [alice], tracks: [] });
  expect(changes).toEqual([
    { type: "trackEnded", track: camera },
    { type: "participantLeft", participant: bob, reason: "left" },
  ]);
});

test("who leaves takes their tracks along", () => {
  const step = reduce(joined, {
    type: "participant.left",
    participant: bob.id,
    reason: "connection_lost",
    seq: 1,
    version: 8,
  });
  expect(step.changes).toEqual([
    { type: "trackEnded", track: camera },
    { type: "participantLeft", participant: bob, reason: "connection_lost" },
  ]);
  expect(step.state.tracks.size).toBe(0);
  expect(step.state.version).toBe(8);
});

test("an event that is told twice changes nothing the second time", () => {
  const muted = { ...camera, muted: true };
  const event = { type: "track.updated", track: muted, seq: 1, version: 8 } as const;
  expect(types(joined, event)).toEqual(["trackUpdated"]);
  expect(types(reduce(joined, event).state, event)).toEqual([]);
  const ended = { type: "track.ended", track: "t_unknown", participant: bob.id, seq: 2, version: 8 } as const;
  expect(types(joined, ended)).toEqual([]);
});

test("a chat message is shown once, however often it comes", () => {
  const event = { type: "chat.message", message: hello, seq: 1, version: 8 } as const;
  expect(types(joined, event)).toEqual([]);
  expect(types(joined, { ...event, message: { ...hello, id: "m_2" } })).toEqual(["chat"]);
});

test("the room before a change stays as it was", () => {
  const event = { type: "track.ended", track: camera.id, participant: bob.id, seq: 1, version: 8 } as const;
  expect(reduce(joined, event).state.tracks.size).toBe(0);
  expect(joined.tracks.size).toBe(1);
});

test("a moderator is told who waits in the lobby, and what became of them, also by a snapshot", () => {
  const waiting = { id: "p_eve", identity: "eve", name: "Eve", since: 5, connected: true, attributes: {} };
  const asked = reduce(joined, { type: "lobby.waiting", seq: 1, version: 8, waiting });
  expect(asked.changes).toEqual([{ type: "lobbyWaiting", waiting }]);
  expect([...asked.state.lobby.keys()]).toEqual(["p_eve"]);

  const admitted = {
    type: "lobby.left",
    seq: 2,
    version: 9,
    participant: "p_eve",
    reason: "admitted",
  } as const;
  expect(reduce(asked.state, admitted).changes).toEqual([{ type: "lobbyLeft", waiting, reason: "admitted" }]);
  const eve: Participant = { ...bob, id: "p_eve", identity: "eve" };
  const later = replace(asked.state, { ...room, version: 9, participants: [alice, bob, eve] });
  expect(later.changes).toEqual([
    { type: "lobbyLeft", waiting, reason: "admitted" },
    { type: "participantJoined", participant: eve },
  ]);
});

test("a lock is told once", () => {
  const event = {
    type: "room.updated",
    seq: 1,
    version: 8,
    policy: { capacity: 100, lobby: false, locked: true },
  } as const;
  const locked = reduce(joined, event);
  expect(locked.changes).toEqual([{ type: "policyChanged", policy: event.policy }]);
  expect(reduce(locked.state, event).changes).toEqual([]);
});
