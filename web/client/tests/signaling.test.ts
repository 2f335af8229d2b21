import { afterEach, beforeEach, expect, test } from "vitest";
import { ServerError } from "../src/errors.ts";
import { Signaling, type SignalingHandlers } from "../src/signaling.ts";
import { deferred } from "../src/timing.ts";
import { joined, Replica, resumed } from "./replica.ts";

let one: Replica;
let two: Replica;
let client: Client;

beforeEach(async () => {
  one = await Replica.start();
  two = await Replica.start();
  client = new Client([one.url, two.url]);
});

afterEach(async () => {
  client.signaling.leave();
  await Promise.all([one.stop(), two.stop()]);
});

/** A signaling session that writes down what it tells. */
class Client {
  readonly told: string[] = [];
  readonly over = deferred<string>();
  readonly signaling: Signaling;

  constructor(
    servers: readonly string[],
    timing = { openMs: 2000, pingMs: 2000, checkMs: 2000, replyMs: 2000 },
  ) {
    const handlers: SignalingHandlers = {
      joined: () => this.told.push("joined"),
      resumed: () => this.told.push("resumed"),
      event: (event) => this.told.push(event.type),
      reconnecting: () => this.told.push("reconnecting"),
      complaint: (error) => this.told.push(error.code),
      ended: (error) => this.over.resolve(error.code),
      connections: () => [{ epoch: 1, pc: "publisher", negotiation: 3, signaling_state: "stable" }],
    };
    this.signaling = new Signaling(
      { servers, token: "room-token", name: "Alice", device: null, region: null, timing },
      handlers,
    );
  }
}

async function joinAtOne() {
  const starting = client.signaling.start();
  const guest = await one.guest();
  await guest.welcome();
  await starting;
  return guest;
}

test("a join names the token and the person, and the events that follow are told in order", async () => {
  const starting = client.signaling.start();
  const guest = await one.guest();
  expect(await guest.welcome()).toMatchObject({ token: "room-token", name: "Alice" });
  guest.tell({ type: "placement.closed", epoch: 1 });
  await starting;
  const pong = client.signaling.request({ type: "ping" });
  await pong;
  expect(client.told).toEqual(["joined", "placement.closed"]);
});

test("a lost connection is resumed at the next replica, with the newest token each time", async () => {
  (await joinAtOne()).vanish();
  const second = await two.guest();
  const resume = await second.hears("resume");
  expect(resume).toMatchObject({ token: "r_1", connections: [{ pc: "publisher", negotiation: 3 }] });
  second.reply(resume, resumed("r_2"));
  await client.signaling.deliver({ type: "ping" });
  second.close(1001);
  const third = await one.guest();
  expect(await third.hears("resume")).toMatchObject({ token: "r_2" });
  expect(client.told).toEqual(["joined", "reconnecting", "resumed", "reconnecting"]);
});

test("a place that was not kept is joined anew", async () => {
  (await joinAtOne()).vanish();
  const refused = await two.guest();
  refused.refuse(await refused.hears("resume"), "resume_refused");
  const again = await two.guest();
  again.reply(await again.hears("join"), joined("r_2"));
  await client.signaling.deliver({ type: "ping" });
  expect(client.told).toEqual(["joined", "reconnecting", "joined"]);
});

test("a missing event leads to a resume over a fresh connection", async () => {
  const guest = await joinAtOne();
  guest.tell({ type: "placement.closed", epoch: 1 });
  guest.tell({ type: "placement.closed", epoch: 2, seq: 3 });
  const second = await two.guest();
  await second.hears("resume");
  expect(client.told).toEqual(["joined", "placement.closed", "reconnecting"]);
});

test("a chat that was lost with the connection is said again with the same nonce", async () => {
  const guest = await joinAtOne();
  const said = client.signaling.deliver({ type: "chat", text: "Hello", nonce: "m_12345678" });
  await guest.hears("chat");
  guest.vanish();
  const second = await two.guest();
  second.reply(await second.hears("resume"), resumed("r_2"));
  const chat = await second.hears("chat");
  expect(chat).toMatchObject({ text: "Hello", nonce: "m_12345678" });
  second.reply(chat);
  expect(await said).toEqual({ type: "done" });
});

test("a request that is not to be repeated fails with the connection, and says that it may be tried again", async () => {
  const guest = await joinAtOne();
  const lost = client.signaling.request({ type: "subscribe", tracks: null });
  await guest.hears("subscribe");
  guest.vanish();
  await expect(lost).rejects.toMatchObject({ code: "connection_lost", retryable: true });
});

test("what is to be delivered after leaving is refused at once", async () => {
  await joinAtOne();
  client.signaling.leave();
  await expect(client.signaling.deliver({ type: "ping" })).rejects.toMatchObject({ code: "not_in_room" });
});

test("a delivery is repeated after a refusal that may pass, and given up after one that will not", async () => {
  const guest = await joinAtOne();
  const delivered = client.signaling.deliver({ type: "track.update", track: "t_1234567", muted: true });
  guest.refuse(await guest.hears("track.update"), "unavailable", true);
  guest.reply(await guest.hears("track.update"));
  await delivered;
  const refused = client.signaling.deliver({ type: "chat", text: "Hello" });
  guest.refuse(await guest.hears("chat"), "not_allowed");
  await expect(refused).rejects.toMatchObject({ code: "not_allowed" });
});

test("a server that does not answer pings is left for the next one", async () => {
  client = new Client([one.url, two.url], { openMs: 2000, pingMs: 50, checkMs: 50, replyMs: 2000 });
  const guest = await joinAtOne();
  guest.answersPings = false;
  await (await two.guest()).hears("resume");
});

test("a request that is never answered ends the connection, since the server may have lost it", async () => {
  client = new Client([one.url, two.url], { openMs: 2000, pingMs: 2000, checkMs: 2000, replyMs: 50 });
  const guest = await joinAtOne();
  const lost = client.signaling.request({ type: "subscribe", tracks: null });
  await guest.hears("subscribe");
  await expect(lost).rejects.toMatchObject({ code: "no_answer" });
  await (await two.guest()).hears("resume");
});

test.each([
  [4409, "superseded"],
  [4403, "ended"],
  [4413, "too_large"],
])("close code %i is final", async (code, reason) => {
  (await joinAtOne()).close(code);
  expect(await client.over.promise).toBe(reason);
  await expect(client.signaling.deliver({ type: "ping" })).rejects.toMatchObject({ code: reason });
});

test.each([1001, 4429, 4503])("close code %i is followed by a resume", async (code) => {
  (await joinAtOne()).close(code);
  await (await two.guest()).hears("resume");
});

test("the server says why it ends a session for good", async () => {
  (await joinAtOne()).tell({ type: "session.ended", code: "removed", message: "Removed.", final: true });
  expect(await client.over.promise).toBe("removed");
});

test("a replica that shuts down is left at once for another", async () => {
  (await joinAtOne()).tell({ type: "session.ended", code: "shutting_down", message: "Bye.", final: false });
  await (await two.guest()).hears("resume");
});

test("a refused join is not tried again", async () => {
  const starting = client.signaling.start();
  const refused = expect(starting).rejects.toBeInstanceOf(ServerError);
  const guest = await one.guest();
  guest.refuse(await guest.hears("join"), "expired_token");
  await refused;
});

test("a join that can't be served now is tried at the next replica", async () => {
  const starting = client.signaling.start();
  const guest = await one.guest();
  guest.refuse(await guest.hears("join"), "unavailable", true);
  const second = await two.guest();
  second.reply(await second.hears("join"), joined("r_1"));
  await starting;
});

test("a replica that is down is passed over", async () => {
  await one.stop();
  const starting = client.signaling.start();
  await (await two.guest()).welcome();
  await starting;
});

test("leaving tells the server and ends what still waits", async () => {
  const guest = await joinAtOne();
  const waiting = client.signaling.deliver({ type: "chat", text: "Hello" });
  const refused = expect(waiting).rejects.toMatchObject({ code: "not_in_room" });
  await guest.hears("chat");
  client.signaling.leave();
  await guest.hears("leave");
  await refused;
});
