import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SoundLevels } from "../src/levels.ts";

const source = { audioLevel: 0.4 as number | undefined, rtpTimestamp: 1 };
const receiver = {
  track: { id: "native", kind: "audio" },
  getSynchronizationSources: () => [source],
} as unknown as RTCRtpReceiver;
const stats = [{ type: "inbound-rtp", trackIdentifier: "native", audioLevel: 0.2 }];
const getStats = vi.fn(() => Promise.resolve(stats));
const pc = { getStats } as unknown as RTCPeerConnection;
const receivers = new Map([["t_mic", receiver]]);
let levels: SoundLevels;

beforeEach(() => {
  vi.useFakeTimers();
  getStats.mockClear();
  Object.assign(source, { audioLevel: 0.4, rtpTimestamp: 1 });
  levels = new SoundLevels();
});

afterEach(() => vi.useRealTimers());

test("packets that tell their level are believed, and the counters are not asked", async () => {
  expect(await levels.look(pc, receivers)).toEqual(new Map([["t_mic", 0.4]]));
  expect(getStats).not.toHaveBeenCalled();
});

test("packets that tell no level leave it to the counters", async () => {
  source.audioLevel = undefined;
  expect(await levels.look(pc, receivers)).toEqual(new Map([["t_mic", 0.2]]));
});

test("a source without new packets is silent, although the browser still lists it", async () => {
  await levels.look(pc, receivers);
  vi.advanceTimersByTime(600);
  expect(await levels.look(pc, receivers)).toEqual(new Map([["t_mic", 0]]));
  source.rtpTimestamp = 2;
  expect(await levels.look(pc, receivers)).toEqual(new Map([["t_mic", 0.4]]));
});
