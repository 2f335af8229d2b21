import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Subscribe, Track } from "../src/generated/protocol.ts";
import { Reception } from "../src/reception.ts";
import { EMPTY_ROOM } from "../src/state.ts";

const track = (id: string, kind: Track["kind"] = "video"): [string, Track] => [
  id,
  {
    id,
    participant: "p_bob",
    kind,
    source: kind === "video" ? "camera" : "microphone",
    muted: false,
    simulcast: true,
  },
];
const EVERYTHING = { type: "subscribe", tracks: null };

let said: Subscribe[];
let allowed: boolean;
let reception: Reception;

beforeEach(() => {
  vi.useFakeTimers();
  said = [];
  allowed = true;
  reception = new Reception({
    room: () => ({
      ...EMPTY_ROOM,
      tracks: new Map([track("t_one"), track("t_two"), track("t_mic", "audio")]),
    }),
    mayReceive: () => allowed,
    remoteTracks: () => new Map(),
    readings: async () => Promise.resolve({ inbound: new Map(), outbound: null }),
    subscribe: async (message) => Promise.resolve(said.push(message)),
    quality: () => undefined,
    failed: (error) => expect.unreachable(String(error)),
  });
});

afterEach(() => {
  reception.close();
  vi.useRealTimers();
});

test("a page that says nothing receives everything, without asking for it", async () => {
  reception.connected();
  await vi.advanceTimersByTimeAsync(5000);
  expect(said).toEqual([]);
  expect(reception.expects("t_one")).toBe(true);
});

test("of everything only the exceptions are said, and taken back when there are none", async () => {
  reception.setLayer("t_one", "low");
  reception.setLayer("t_gone", "low");
  reception.connected();
  await vi.advanceTimersByTimeAsync(1000);
  reception.setLayer("t_one", null);
  await vi.advanceTimersByTimeAsync(1000);
  expect(said).toEqual([
    { type: "subscribe", tracks: [{ track: "t_one", layer: "low" }], others: "high" },
    EVERYTHING,
  ]);
});

test("a list is the whole set, and its layers are the best that is asked for", async () => {
  reception.connected();
  reception.setLayer("t_one", "paused");
  reception.setLayer("t_two", "high");
  reception.setWanted([{ track: "t_one" }, { track: "t_two", layer: "medium" }, { track: "t_later" }]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(said.at(-1)).toEqual({
    type: "subscribe",
    tracks: [
      { track: "t_one", paused: true },
      { track: "t_two", layer: "medium" },
      { track: "t_later", layer: "high" },
    ],
  });
  expect(["t_one", "t_two", "t_mic"].map((id) => reception.expects(id))).toEqual([false, true, false]);
});

test("many changes make few requests, and the last one counts", async () => {
  reception.connected();
  for (let change = 0; change < 100; change++) {
    reception.setLayer("t_one", change % 2 ? "low" : "medium");
    await vi.advanceTimersByTimeAsync(10);
  }
  await vi.advanceTimersByTimeAsync(1000);
  expect(said.length).toBeLessThanOrEqual(6);
  expect(said.at(-1)?.tracks).toEqual([{ track: "t_one", layer: "low" }]);
});

test("a new connection is told again", async () => {
  reception.setLayer("t_one", "paused");
  reception.connected();
  await vi.advanceTimersByTimeAsync(1000);
  reception.connected();
  await vi.advanceTimersByTimeAsync(1000);
  expect(said).toHaveLength(2);
  expect(said[1]).toEqual(said[0]);
});

test("who may not receive asks for nothing, and says its wishes once it may", async () => {
  allowed = false;
  reception.setLayer("t_one", "low");
  reception.connected();
  await vi.advanceTimersByTimeAsync(1000);
  expect(said).toEqual([]);
  expect(reception.expects("t_two")).toBe(false);
  allowed = true;
  reception.update();
  await vi.advanceTimersByTimeAsync(1000);
  expect(said).toHaveLength(1);
});

test("while data are saved nothing is received in more than a small picture unless it is shown", async () => {
  reception.connected();
  reception.saveData(true);
  await vi.advanceTimersByTimeAsync(1000);
  expect(said.at(-1)).toEqual({ type: "subscribe", tracks: [], others: "low" });
  reception.setLayer("t_one", "high");
  await vi.advanceTimersByTimeAsync(1000);
  expect(said.at(-1)).toEqual({
    type: "subscribe",
    tracks: [{ track: "t_one", layer: "high" }],
    others: "low",
  });
  reception.setLayer("t_one", null);
  reception.saveData(false);
  await vi.advanceTimersByTimeAsync(1000);
  expect(said.at(-1)).toEqual(EVERYTHING);
});
