import { expect, test } from "vitest";
import { Congestion, limited, type Shown } from "../src/congestion.ts";

const GOOD = { loss: 0, frozen: 0 };
const LOSSY = { loss: 0.2, frozen: 0 };
const stage: Shown = { track: "stage", wish: "high", height: 720 };
const left: Shown = { track: "left", wish: "high", height: 300 };
const right: Shown = { track: "right", wish: "medium", height: 300 };
const ALL = [left, stage, right];

/** Looks every two seconds, as often as given, and returns the time. */
function looks(
  congestion: Congestion,
  times: number,
  fares = ALL.map(() => GOOD),
  shown = ALL,
  from = 0,
): number {
  for (let look = 1; look <= times; look++) congestion.look(fares, shown, from + 2000 * look);
  return from + 2000 * times;
}

const bad = ALL.map(() => LOSSY);
const entries = (level: number, shown = ALL) => Object.fromEntries(limited(shown, level));

test("the largest picture gives way last, and is never paused", () => {
  expect([0, 1, 2, 3, 4, 5].map((level) => entries(level))).toEqual([
    { stage: "high", left: "high", right: "medium" },
    { stage: "high", left: "medium", right: "medium" },
    { stage: "high", left: "low", right: "low" },
    { stage: "medium", left: "low", right: "low" },
    { stage: "low", left: "low", right: "low" },
    { stage: "low", left: "paused", right: "paused" },
  ]);
});

test("what is out of sight stays paused, and does not count as the largest", () => {
  const hidden: Shown = { track: "hidden", wish: "paused", height: 0 };
  expect(entries(5, [hidden, left])).toEqual({ hidden: "paused", left: "low" });
});

test("one bad look changes nothing, heavy loss that stays takes one step after another", () => {
  const congestion = new Congestion();
  looks(congestion, 1, bad);
  looks(congestion, 1);
  looks(congestion, 1, bad);
  expect(congestion.level).toBe(0);
  looks(congestion, 1, bad);
  expect(congestion.level).toBe(1);
  looks(congestion, 8, bad);
  expect(congestion.level).toBe(5);
  looks(congestion, 20, bad);
  expect(congestion.level).toBe(5);
});

test("one sender with a bad network is no reason to take less from all", () => {
  const congestion = new Congestion();
  looks(congestion, 20, [LOSSY, GOOD, GOOD]);
  expect(congestion.level).toBe(0);
});

test("a picture that stands still without loss does so at its sender", () => {
  const congestion = new Congestion();
  looks(congestion, 20, [{ loss: 0, frozen: 1 }], [stage]);
  expect(congestion.level).toBe(0);
  looks(congestion, 2, [{ loss: 0.02, frozen: 0.5 }], [stage]);
  expect(congestion.level).toBeGreaterThan(0);
});

test("steps that change nothing are left out", () => {
  const congestion = new Congestion();
  looks(congestion, 2, [LOSSY], [stage]);
  expect(entries(congestion.level, [stage])).toEqual({ stage: "medium" });
  const small = [left, right].map((shown) => ({ ...shown, wish: "low" as const }));
  const crowded = new Congestion();
  looks(crowded, 2, [LOSSY, LOSSY], small);
  expect(entries(crowded.level, small)).toEqual({ left: "low", right: "paused" });
});

test("it comes back slowly, step by step", () => {
  const congestion = new Congestion();
  const now = looks(congestion, 4, bad);
  expect(congestion.level).toBe(2);
  const later = looks(congestion, 8, undefined, ALL, now);
  expect(congestion.level).toBe(2);
  const restored = looks(congestion, 1, undefined, ALL, later);
  expect(congestion.level).toBe(1);
  looks(congestion, 8, undefined, ALL, restored);
  expect(congestion.level).toBe(0);
});

test("who tried too early waits twice as long for the next try", () => {
  const congestion = new Congestion();
  const stepsUntilRestored = (from: number): number => {
    const level = congestion.level;
    for (let steps = 1; ; steps++) {
      congestion.look([GOOD], [stage], from + 2000 * steps);
      if (congestion.level < level) return steps;
    }
  };
  let now = looks(congestion, 2, [LOSSY], [stage]);
  const first = stepsUntilRestored(now);
  now = looks(congestion, 2, [LOSSY], [stage], now + 2000 * first);
  const second = stepsUntilRestored(now);
  expect(second - 1).toBe(2 * (first - 1));
});

test("without any picture nothing is known to be bad", () => {
  const congestion = new Congestion();
  looks(congestion, 20, [], []);
  expect(congestion.level).toBe(0);
});
