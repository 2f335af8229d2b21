import { afterEach, beforeEach, expect, test } from "vitest";
import type { Participant, Track } from "../src/generated/protocol.ts";
import { Room } from "../src/room.ts";
import type { RoomConnection } from "../src/room-events.ts";
import type { TopicMessage } from "../src/state.ts";
import { joined, participant, placement, Replica, resumed, snapshot } from "./replica.ts";

let replica: Replica;
let room: Room;
let connections: RoomConnection[];

beforeEach(async () => {
  replica = await Replica.start();
  room = new Room([replica.url]);
  connections = [];
  room.on("connectionChanged", (connection) => connections.push(connection));
});

afterEach(async () => {
  room.leave();
  await replica.stop();
});

const nobody = { ...snapshot, participants: [] };

/** In the lobby, with what `join` will come to. */
async function waits() {
  const joining = room.join({ token: "t", device: null });
  joining.catch(() => undefined);
  const guest = await replica.guest();
  guest.reply(await guest.hears("join"), { ...joined("r_1"), snapshot: nobody, lobby: true });
  await until("connectionChanged", () => room.connection === "waiting");
  return { guest, joining };
}

async function isIn() {
  const joining = room.join({ token: "t", device: null });
  const guest = await replica.guest();
  await guest.welcome();
  await joining;
  return guest;
}

/** A microphone that no browser has. */
function microphone(): MediaStreamTrack {
  return { kind: "audio", enabled: true, addEventListener: () => undefined } as unknown as MediaStreamTrack;
}

function until(event: "changed" | "connectionChanged", holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      stop();
      resolve();
    };
    const stop = room.on(event, look);
    look();
  });
}

test("who waits in the lobby has joined once a moderator lets them in", async () => {
  const { guest, joining } = await waits();
  expect(room.state.participants.size).toBe(0);
  guest.tell({ type: "lobby.admitted", participant, snapshot, placement });
  expect(await joining).toEqual(participant);
  expect([...room.state.participants.keys()]).toEqual([participant.id]);
  expect(connections).toEqual(["joining", "waiting", "connected"]);
});

test("who is not let in learns it from join", async () => {
  const { guest, joining } = await waits();
  guest.tell({ type: "session.ended", code: "lobby_denied", message: "You were not let in.", final: true });
  await expect(joining).rejects.toMatchObject({ code: "lobby_denied" });
  expect(room.connection).toBe("disconnected");
});

test("who loses the connection in the lobby goes on waiting, or is in if that was decided meanwhile", async () => {
  const { guest, joining } = await waits();
  guest.vanish();
  const second = await replica.guest();
  second.reply(await second.hears("resume"), { ...resumed("r_2"), snapshot: nobody, lobby: true });
  await until("connectionChanged", () => room.connection === "waiting");
  second.vanish();
  const third = await replica.guest();
  third.reply(await third.hears("resume"), resumed("r_3"));
  expect(await joining).toEqual(participant);
});

test("a moderator's mute silences the track here, one's own mute is no moderator's", async () => {
  const guest = await isIn();
  const local = room.publish(microphone(), "microphone");
  const told: boolean[] = [];
  room.on("muted", (track) => told.push(track.muted));
  const track: Track = {
    id: local.id,
    participant: participant.id,
    kind: "audio",
    source: "microphone",
    muted: false,
    simulcast: false,
  };
  guest.tell({ type: "track.published", track });
  await until("changed", () => room.state.tracks.has(track.id));

  room.setMuted(local, true);
  const mute = await guest.hears("track.update");
  room.setMuted(local, false);
  guest.tell({ type: "track.updated", track: { ...track, muted: true } });
  guest.reply(mute);
  const unmute = await guest.hears("track.update");
  guest.tell({ type: "track.updated", track });
  guest.reply(unmute);
  await sayHello(guest);
  expect([local.muted, told]).toEqual([false, []]);

  guest.tell({ type: "track.updated", track: { ...track, muted: true } });
  await until("changed", () => local.muted);
  expect([local.mediaTrack.enabled, told]).toEqual([false, [true]]);
});

/** What was said before has arrived, in both directions. */
async function sayHello(guest: Awaited<ReturnType<typeof isIn>>): Promise<void> {
  const saying = room.sendChat("hello");
  const chat = await guest.hears("chat");
  guest.reply(chat, {
    type: "chat",
    message: { id: "m_1", participant: participant.id, name: "Alice", text: "hello", sent_at: 1 },
  });
  await saying;
}

test("a track that a moderator has ended is not published any more, also when that happened during an outage", async () => {
  const guest = await isIn();
  const [first, second] = [
    room.publish(microphone(), "microphone"),
    room.publish(microphone(), "screen_audio"),
  ];
  const stopped: string[] = [];
  room.on("stopped", ({ source }) => stopped.push(source));
  const without = (...ids: string[]): Participant => ({ ...participant, stopped: ids });
  guest.tell({ type: "participant.updated", participant: without(first.id) });
  await until("changed", () => stopped.length === 1);
  guest.vanish();
  const again = await replica.guest();
  const me = without(first.id, second.id);
  again.reply(await again.hears("resume"), {
    ...resumed("r_2"),
    participant: me,
    snapshot: { ...snapshot, participants: [me] },
  });
  await until("changed", () => stopped.length === 2);
  expect([stopped, room.localTracks]).toEqual([["microphone", "screen_audio"], []]);
});

test("a reaction is sent once, and one that is heard is told and kept nowhere", async () => {
  const guest = await isIn();
  const heard: TopicMessage[] = [];
  room.on("message", (message) => heard.push(message));
  const sending = room.sendMessage("reaction", "👏");
  const sent = await guest.hears("message");
  expect(sent).toMatchObject({ topic: "reaction", text: "👏", to: null });
  const before = room.state;
  const message = { participant: "p_2", topic: "reaction", text: "👏", sent_at: 5 };
  guest.tell({ type: "message", ...message });
  guest.reply(sent);
  await sending;
  expect([heard, room.state, room.chat]).toEqual([[message], before, []]);
  guest.vanish();
  await until("connectionChanged", () => room.connection === "reconnecting");
  await expect(room.sendMessage("reaction", "👏")).rejects.toMatchObject({ retryable: true });
});

test("who leaves while they are being let in is not in the room, and the server is told", async () => {
  const joining = room.join({ token: "t", device: null });
  const refused = expect(joining).rejects.toMatchObject({ code: "left" });
  const guest = await replica.guest();
  const join = await guest.hears("join");
  room.leave();
  guest.reply(join, joined("r_1"));
  await refused;
  await guest.hears("leave");
  expect([room.connection, room.me, connections]).toEqual([
    "disconnected",
    null,
    ["joining", "disconnected"],
  ]);
});

test("since when the connection is away is known until it is back", async () => {
  const guest = await isIn();
  expect(room.reconnectingSince).toBeNull();
  guest.vanish();
  await until("connectionChanged", () => room.connection === "reconnecting");
  expect(room.reconnectingSince).toBeGreaterThan(0);
  const again = await replica.guest();
  again.reply(await again.hears("resume"), resumed("r_2"));
  await until("connectionChanged", () => room.connection === "connected");
  expect(room.reconnectingSince).toBeNull();
});
