/**
 * Run by tests/web/test_typescript_client.py, in plain Node, with a replica's URL and an API key for rooms that begin with
 * `shop-`. Prints, as JSON, what every method asks; whatever is not as it should be ends it with an error.
 */
import assert from "node:assert/strict";
import { ANYWAY, NexusVibe, Refused } from "@nexusvibe/server";

const [url = "", key = ""] = process.argv.slice(2);
const nexusvibe = new NexusVibe(url, key);
const room = "shop-ts";

async function all<T>(stream: AsyncGenerator<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of stream) found.push(each);
  return found;
}

async function runARoom(): Promise<void> {
  const made = await nexusvibe.rooms.create({ room, policy: { capacity: 4 } }, { idempotencyKey: "order-1" });
  assert.equal(made.policy.capacity, 4);
  const { token } = await nexusvibe.tokens.mint({ room, identity: "ann", publish: ["camera"] });
  assert.equal(token.split(".").length, 3);
  assert.deepEqual(await all(nexusvibe.participants.list(room)), []);
  const ban = await nexusvibe.bans.create(room, { identity: "bob", reason: "No." });
  assert.deepEqual(await all(nexusvibe.bans.list(room, { identity: "bob" })), [ban]);
  await nexusvibe.bans.delete(room, ban.id);
  assert.deepEqual(await all(nexusvibe.bans.list(room)), []);
  assert.deepEqual(
    (await all(nexusvibe.rooms.list())).map((each) => each.room),
    [room],
  );
}

async function collide(): Promise<void> {
  const seen = await nexusvibe.rooms.policy(room);
  assert.equal(await nexusvibe.rooms.policy(room, seen), seen);
  const locked = await nexusvibe.rooms.updatePolicy(room, seen, { locked: true });
  const late = nexusvibe.rooms.updatePolicy(room, seen, { capacity: 2 });
  await assert.rejects(
    late,
    (error: unknown) => error instanceof Refused && error.code === "precondition_failed",
  );
  assert.deepEqual(await nexusvibe.rooms.policy(room, seen), locked);
  const anyway = await nexusvibe.rooms.updateAttributes(room, ANYWAY, { table: "7" });
  assert.deepEqual(anyway.value.attributes, { table: "7" });
}

async function beRefused(): Promise<void> {
  const elsewhere = nexusvibe.rooms.create({ room: "other" });
  await assert.rejects(elsewhere, { name: "Refused", code: "not_allowed", status: 403, requestId: /^rq_/ });
  await nexusvibe.rooms.delete(room);
  await assert.rejects(nexusvibe.rooms.get(room), { code: "not_found" });
}

/** Every method once, with stand-ins that name what they stand for. */
async function record(): Promise<string[][]> {
  const asked: string[][] = [];
  const fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    asked.push([init?.method ?? "", new URL(input instanceof Request ? input.url : input).pathname]);
    return Promise.resolve(Response.json({ next: null }, { headers: { ETag: '"1"' } }));
  };
  const { tokens, rooms, participants, bans, messages, turn } = new NexusVibe(url, key, { fetch });
  const [r, p, t] = ["Xroom", "Xparticipant", "Xtrack"];
  await Promise.all([
    tokens.mint({ room: r }),
    ...[rooms.create({}), all(rooms.list()), rooms.get(r), rooms.close(r), rooms.delete(r)],
    rooms.move(r, { backend: "janus" }),
    ...[rooms.policy(r), rooms.updatePolicy(r, ANYWAY, {})],
    ...[rooms.attributes(r), rooms.updateAttributes(r, ANYWAY, {})],
    ...[all(participants.list(r)), participants.get(r, p), participants.kick(r, p), participants.ban(r, p)],
    ...[participants.mute(r, p, "camera"), participants.muteTrack(r, p, t), participants.stopTrack(r, p, t)],
    ...[participants.lowerHand(r, p), participants.admit(r, p), participants.deny(r, p)],
    ...[participants.permissions(r, p), participants.updatePermissions(r, p, ANYWAY, {})],
    ...[participants.attributes(r, p), participants.updateAttributes(r, p, ANYWAY, {})],
    ...[all(bans.list(r)), bans.create(r, { identity: "ann" }), bans.delete(r, "Xban")],
    ...[all(messages.list(r)), messages.send(r, { text: "Hello" }), turn.iceServers("ann"), turn.usage(r)],
  ]);
  return asked;
}

await runARoom();
await collide();
await beRefused();
console.log(JSON.stringify(await record()));
