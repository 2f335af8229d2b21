import { expect, test } from "vitest";
import type { Track } from "../src/generated/protocol.ts";
import { trackQuality, uplinkQuality } from "../src/quality.ts";
import { type InboundReading, inboundReadings, type OutboundReading, outboundReading } from "../src/stats.ts";

const camera: Track = {
  id: "t_camera",
  participant: "p_bob",
  kind: "video",
  source: "camera",
  muted: false,
  simulcast: true,
};
const microphone: Track = { ...camera, id: "t_mic", kind: "audio", source: "microphone", simulcast: false };
const HIGH = { wish: "high", reason: null } as const;

const before: InboundReading = {
  id: "IT01V1",
  at: 1000,
  framesDecoded: 100,
  packetsReceived: 1000,
  bytesReceived: 100_000,
  packetsLost: 10,
  width: 640,
  height: 360,
  frozen: 0,
  concealed: 0,
  samples: 0,
};
const after: InboundReading = {
  ...before,
  at: 3000,
  framesDecoded: 150,
  packetsReceived: 1200,
  bytesReceived: 350_000,
};
const rate = (changes: Partial<InboundReading>, track = camera) => {
  const quality = trackQuality(track, HIGH, before, { ...after, ...changes });
  return quality && [quality.rating, ...quality.reasons];
};

test("a picture's figures are those of the time between two readings", () => {
  expect(trackQuality(camera, HIGH, before, after)).toEqual({
    track: "t_camera",
    participant: "p_bob",
    kind: "video",
    rating: "good",
    reasons: [],
    layer: "high",
    width: 640,
    height: 360,
    framesPerSecond: 25,
    bitrate: 1_000_000,
    loss: 0,
    frozen: 0,
  });
});

test("loss, freezes, few frames and nothing at all are told apart", () => {
  expect(rate({ packetsLost: 15 })).toEqual(["fair", "loss"]);
  expect(rate({ packetsLost: 60 })).toEqual(["poor", "loss"]);
  expect(rate({ packetsLost: 0 })).toEqual(["good"]);
  expect(rate({ frozen: 0.3 })).toEqual(["fair", "freeze"]);
  expect(rate({ frozen: 1 })).toEqual(["poor", "freeze"]);
  expect(rate({ framesDecoded: 110 })).toEqual(["fair", "framerate"]);
  expect(rate({ packetsReceived: 1000, framesDecoded: 100 })).toEqual(["poor", "silence"]);
  expect(rate({ packetsLost: 15, frozen: 1 })).toEqual(["poor", "loss", "freeze"]);
});

test("a screen may rest", () => {
  const screen: Track = { ...camera, source: "screen" };
  expect(rate({ packetsReceived: 1000, framesDecoded: 100 }, screen)).toEqual(["good"]);
});

test("sound is as good as what had to be made up for it", () => {
  expect(rate({ samples: 96_000, concealed: 960 }, microphone)).toEqual(["good"]);
  expect(rate({ samples: 96_000, concealed: 4800 }, microphone)).toEqual(["fair", "gaps"]);
  expect(rate({ samples: 96_000, concealed: 19_200 }, microphone)).toEqual(["poor", "gaps"]);
  expect(rate({ packetsReceived: 1000 }, microphone)).toEqual(["poor", "silence"]);
});

test("what is paused says why", () => {
  const reasons = (asked: Parameters<typeof trackQuality>[1], track = camera) =>
    trackQuality(track, asked, undefined, undefined)?.reasons;
  expect(reasons({ wish: "paused", reason: "hidden" })).toEqual(["hidden"]);
  expect(reasons({ wish: "paused", reason: "bandwidth" })).toEqual(["bandwidth"]);
  expect(reasons(HIGH, { ...camera, muted: true })).toEqual(["muted"]);
});

test("less than is wanted, for the network's sake, is fair at best", () => {
  const quality = trackQuality(camera, { wish: "low", reason: "bandwidth" }, before, after);
  expect(quality).toMatchObject({ rating: "fair", reasons: ["bandwidth"], layer: "low" });
});

test("readings of two receivers, or only one reading, give nothing", () => {
  expect(trackQuality(camera, HIGH, undefined, after)).toBeNull();
  expect(trackQuality(camera, HIGH, before, undefined)).toBeNull();
  expect(trackQuality(camera, HIGH, before, { ...after, id: "IT02V1" })).toBeNull();
});

const report = (...entries: object[]) =>
  new Map(entries.map((entry, index) => [String(index), entry])) as unknown as RTCStatsReport;

test("a connection's report is read by the tracks of its receivers", () => {
  const readings = inboundReadings(
    report(
      { type: "inbound-rtp", id: "a", timestamp: 5, trackIdentifier: "one", packetsReceived: 3 },
      {
        type: "inbound-rtp",
        id: "b",
        timestamp: 5,
        trackIdentifier: "two",
        framesDecoded: 7,
        frameHeight: 90,
      },
      { type: "transport", id: "c", timestamp: 5 },
    ),
  );
  expect([...readings.keys()]).toEqual(["one", "two"]);
  expect(readings.get("two")).toMatchObject({ id: "b", framesDecoded: 7, height: 90, packetsReceived: 0 });
});

test("what is sent is told by its largest picture and its worst report", () => {
  const sent = (height: number, rest: object = {}) => ({
    type: "outbound-rtp",
    kind: "video",
    timestamp: 5,
    bytesSent: 100,
    frameWidth: (16 * height) / 9,
    frameHeight: height,
    framesPerSecond: 10,
    qualityLimitationReason: "none",
    ...rest,
  });
  const reading = outboundReading(
    report(
      sent(180),
      sent(720, { active: false, qualityLimitationReason: "bandwidth" }),
      sent(360, { qualityLimitationReason: "cpu" }),
      { type: "outbound-rtp", kind: "audio", timestamp: 5, bytesSent: 50 },
      { type: "remote-inbound-rtp", fractionLost: 0.1, roundTripTime: 0.02 },
      { type: "remote-inbound-rtp", fractionLost: 0 },
    ),
  );
  expect(reading).toMatchObject({ bytesSent: 350, width: 640, height: 360, loss: 0.1, roundTripTime: 20 });
  expect(reading?.limitations).toEqual(new Set(["none", "cpu"]));
  expect(outboundReading(report())).toBeNull();
});

test("the way up is rated by loss, delay, and what keeps pictures small", () => {
  const first: OutboundReading = {
    at: 0,
    bytesSent: 0,
    width: 640,
    height: 360,
    framesPerSecond: 30,
    limitations: new Set(["none"]),
    loss: null,
    roundTripTime: null,
  };
  const rated = (changes: Partial<OutboundReading>) => {
    const quality = uplinkQuality(first, { ...first, at: 2000, bytesSent: 250_000, ...changes });
    return quality && [quality.rating, quality.bitrate, ...quality.reasons];
  };
  expect(rated({})).toEqual(["good", 1_000_000]);
  expect(rated({ loss: 0.05, roundTripTime: 700 })).toEqual(["poor", 1_000_000, "loss", "delay"]);
  expect(rated({ limitations: new Set(["bandwidth"]) })).toEqual(["fair", 1_000_000, "bandwidth"]);
  expect(uplinkQuality(null, first)).toBeNull();
});
