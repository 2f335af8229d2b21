import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ServerMessage } from "../src/generated/protocol.ts";
import { Signaling } from "../src/signaling.ts";
import { joined } from "./replica.ts";

const MINUTE = 60_000;

/** Every websocket that was tried, and whether there is a server. */
let reachable: boolean;
let tries: number[];
let sockets: FakeSocket[];
let told: string[];
let signaling: Signaling;

class FakeSocket {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((close: { code: number; reason: string }) => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;

  constructor() {
    tries.push(Date.now());
    sockets.push(this);
    const { there } = { there: reachable };
    setTimeout(() => (there ? this.onopen?.() : this.onerror?.()), 10);
  }

  send(text: string): void {
    const { id, type } = JSON.parse(text) as { id: number; type: string };
    if (!reachable) return;
    if (type === "ping") this.say({ type: "reply", id, result: { type: "pong" } });
    else if (type === "join") this.say({ type: "reply", id, result: joined("r_1") });
    else this.say({ type: "error", id, code: "resume_refused", message: "", retryable: false });
  }

  close(): void {
    this.onopen = null;
  }

  private say(message: ServerMessage): void {
    setTimeout(() => this.onmessage?.({ data: JSON.stringify(message) }), 10);
  }
}

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  [reachable, tries, sockets, told] = [true, [], [], []];
  const tell = (what: string) => () => void told.push(what);
  signaling = new Signaling(
    { servers: ["ws://one", "ws://two"], token: () => fresh(), name: null, device: null, region: null },
    {
      joined: tell("joined"),
      resumed: tell("resumed"),
      event: () => undefined,
      reconnecting: tell("reconnecting"),
      complaint: () => undefined,
      ended: ({ code }) => told.push(`ended: ${code}`),
      connections: () => [],
    },
  );
  const starting = signaling.start();
  await vi.advanceTimersByTimeAsync(100);
  await starting;
});

afterEach(() => {
  signaling.leave();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

let fresh: () => Promise<string> = () => Promise.resolve("token");

async function cutOff(): Promise<void> {
  reachable = false;
  sockets.at(-1)?.onclose?.({ code: 1006, reason: "" });
  await vi.advanceTimersByTimeAsync(0);
  tries = [];
}

test("a server that is away for ten minutes is tried all the time, with jitter, and joined anew when it is back", async () => {
  await cutOff();
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  const pauses = tries.map((at, index) => at - (tries[index - 1] ?? at)).slice(6);
  expect(pauses.length).toBeGreaterThan(60);
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5600);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(8500);
  expect(new Set(pauses).size).toBeGreaterThan(10);
  reachable = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual(["joined", "reconnecting", "joined"]);
});

test("when the network is back the next try comes at once", async () => {
  await cutOff();
  await vi.advanceTimersByTimeAsync(MINUTE);
  reachable = true;
  signaling.hurry();
  await vi.advanceTimersByTimeAsync(100);
  expect(told.at(-1)).toBe("joined");
});

test("a token that can't be had while the network is away does not end the session", async () => {
  fresh = () => (reachable ? Promise.resolve("another") : Promise.reject(new TypeError("fetch failed")));
  await cutOff();
  await vi.advanceTimersByTimeAsync(MINUTE);
  reachable = true;
  let offline = true;
  fresh = () => (offline ? Promise.reject(new TypeError("fetch failed")) : Promise.resolve("another"));
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(told).toEqual(["joined", "reconnecting"]);
  offline = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told.at(-1)).toBe("joined");
});

test("a connection that died without a word is left soon after the network has changed", async () => {
  reachable = false;
  signaling.hurry();
  await vi.advanceTimersByTimeAsync(2600);
  expect(told.at(-1)).toBe("reconnecting");
});

test("nothing runs any more after leaving", async () => {
  await cutOff();
  signaling.leave();
  await vi.advanceTimersByTimeAsync(100);
  expect(vi.getTimerCount()).toBe(0);
  tries = [];
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect([tries, told]).toEqual([[], ["joined", "reconnecting"]]);
});
