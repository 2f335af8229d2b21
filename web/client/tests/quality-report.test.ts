import { expect, test } from "vitest";
import type { Rating, TrackQuality, UplinkQuality } from "../src/quality.ts";
import { qualityReport } from "../src/quality-report.ts";

const FIGURES = { width: 0, height: 0, framesPerSecond: 0, bitrate: 0, loss: 0 };
const STILL = { ...FIGURES, layer: null, frozen: 0 };

function report(tracks: readonly (readonly [participant: string, rating: Rating])[], uplink?: UplinkQuality) {
  const qualities = tracks.map(([participant, rating], index): [string, TrackQuality] => [
    `t_${index}`,
    {
      ...STILL,
      track: `t_${index}`,
      participant,
      kind: "video",
      rating,
      reasons: rating === "poor" || rating === "fair" ? ["loss"] : [],
    },
  ]);
  return qualityReport(new Map(qualities), uplink ?? null);
}

test("somebody is as good as the worst of what flows from them", () => {
  const { participants } = report([
    ["ann", "good"],
    ["ann", "poor"],
    ["bob", "paused"],
    ["carol", "paused"],
    ["carol", "fair"],
  ]);
  expect(Object.fromEntries(participants)).toEqual({ ann: "poor", bob: "paused", carol: "fair" });
});

test("one sender's bad network is not ours, but when half of what arrives is bad it is", () => {
  expect(
    report([
      ["ann", "poor"],
      ["bob", "good"],
      ["carol", "good"],
    ]).overall,
  ).toEqual({ rating: "good", reasons: [] });
  expect(
    report([
      ["ann", "poor"],
      ["bob", "good"],
    ]).overall,
  ).toEqual({ rating: "poor", reasons: ["loss"] });
  expect(report([["ann", "paused"]]).overall.rating).toBe("good");
});

test("what does not get out counts as well", () => {
  const uplink: UplinkQuality = { ...FIGURES, rating: "fair", reasons: ["cpu"], roundTripTime: null };
  expect(report([["ann", "good"]], uplink).overall).toEqual({ rating: "fair", reasons: ["cpu"] });
});
