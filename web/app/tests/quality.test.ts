import type { TrackQuality, UplinkQuality } from "@nexusvibe/client";
import { expect, test } from "vitest";
import { received, sent } from "../src/room/quality.ts";

const picture: TrackQuality = {
  track: "t_camera",
  participant: "p_bob",
  kind: "video",
  rating: "good",
  reasons: [],
  layer: "high",
  width: 1280,
  height: 720,
  framesPerSecond: 24.6,
  bitrate: 1_240_000,
  loss: 0,
  frozen: 0,
};
const sound: TrackQuality = { ...picture, track: "t_mic", kind: "audio", width: 0, height: 0 };

test("a picture is told in figures that people know, and sound in a word", () => {
  expect(received(picture, sound)).toEqual({
    rating: "good",
    held: false,
    reasons: [],
    figures: [
      ["picture", "1280 × 720"],
      ["frames", 25],
      ["data", "1.2 Mbit/s"],
      ["lost", "0 %"],
      ["sound", { rating: "good" }],
    ],
  });
});

test("the worse of picture and sound counts, each reason once", () => {
  const lossy = { ...picture, rating: "fair", reasons: ["loss"], loss: 0.034, bitrate: 90_000 } as const;
  const verdict = received(lossy, { ...sound, rating: "poor", reasons: ["loss"] });
  expect(verdict).toMatchObject({ rating: "poor", reasons: ["loss"] });
  expect(verdict?.figures).toContainEqual(["lost", "3.4 %"]);
  expect(verdict?.figures).toContainEqual(["data", "90 kbit/s"]);
});

test("a picture that was out of sight is not a bad connection either", () => {
  const hidden = { ...picture, rating: "paused", reasons: ["hidden"] } as const;
  expect(received(hidden, sound)).toMatchObject({ rating: "good", held: false });
});

test("a camera that is off is not a bad connection", () => {
  const off = { ...picture, rating: "paused", reasons: ["muted"] } as const;
  expect(received(off, sound)).toMatchObject({ rating: "good", figures: [["sound", { rating: "good" }]] });
  expect(received(off, undefined)).toBeNull();
});

test("a picture held back for the sound's sake says so", () => {
  const held = { ...picture, rating: "paused", reasons: ["bandwidth"] } as const;
  expect(received(held, sound)).toMatchObject({
    rating: "paused",
    held: true,
    figures: [["sound", { rating: "good" }]],
  });
});

test("what oneself sends has a delay, once the server has told it", () => {
  const uplink: UplinkQuality = { ...picture, rating: "good", roundTripTime: null };
  expect(sent(uplink)?.figures.map(([name]) => name)).toEqual(["picture", "frames", "data", "lost"]);
  expect(sent({ ...uplink, roundTripTime: 23.4 })?.figures.at(-1)).toEqual(["delay", "23 ms"]);
  expect(sent(null)).toBeNull();
});
