import { expect, test } from "vitest";
import { Demand, layerFor, lower, pictureHeight, type View } from "../src/demand.ts";

const VGA = { width: 640, height: 480 };
const view = (height: number): View => ({ visible: true, height });
const HIDDEN: View = { visible: false, height: 0 };

function wishOf(demand: Demand, now: number, seen: View) {
  return demand.look(new Map([["t", seen]]), now).wishes.get("t");
}

test("the layer is the smallest that is still sharp", () => {
  expect([90, 240, 241, 480, 481, 1080].map((height) => layerFor(height, undefined))).toEqual([
    "low",
    "low",
    "medium",
    "medium",
    "high",
    "high",
  ]);
});

test("a height near a limit keeps the layer that it has", () => {
  expect(layerFor(250, "low")).toBe("low");
  expect(layerFor(230, "medium")).toBe("medium");
  expect(layerFor(500, "medium")).toBe("medium");
  expect(layerFor(460, "high")).toBe("high");
  expect(layerFor(265, "low")).toBe("medium");
  expect(layerFor(215, "medium")).toBe("low");
  expect(layerFor(200, "high")).toBe("low");
});

test("a picture that is cropped counts as high as all of it would be", () => {
  expect(pictureHeight({ width: 640, height: 120 }, VGA, "cover")).toBe(480);
  expect(pictureHeight({ width: 640, height: 120 }, VGA, "contain")).toBe(120);
  expect(pictureHeight({ width: 160, height: 480 }, VGA, "contain")).toBe(120);
  expect(pictureHeight({ width: 160, height: 480 }, VGA, "cover")).toBe(480);
});

test("what gets larger or comes into sight is asked for at once", () => {
  const demand = new Demand();
  expect(wishOf(demand, 0, HIDDEN)).toBe("paused");
  expect(wishOf(demand, 1, view(200))).toBe("low");
  expect(wishOf(demand, 2, view(900))).toBe("high");
});

test("what gets smaller is asked for less once it has stayed small", () => {
  const demand = new Demand();
  wishOf(demand, 0, view(900));
  expect(wishOf(demand, 100, view(100))).toBe("high");
  expect(wishOf(demand, 599, view(100))).toBe("high");
  expect(wishOf(demand, 600, view(100))).toBe("low");
});

test("a glance away does not pause, scrolling away does", () => {
  const demand = new Demand();
  wishOf(demand, 0, view(200));
  expect(demand.look(new Map([["t", HIDDEN]]), 100).again).toBe(1500);
  expect(wishOf(demand, 1000, view(200))).toBe("low");
  expect(wishOf(demand, 1100, HIDDEN)).toBe("low");
  expect(wishOf(demand, 2599, HIDDEN)).toBe("low");
  expect(wishOf(demand, 2600, HIDDEN)).toBe("paused");
});

test("it asks to be asked again when the first wait ends, and not at all when nothing waits", () => {
  const demand = new Demand();
  demand.look(
    new Map([
      ["one", view(900)],
      ["other", view(900)],
    ]),
    0,
  );
  expect(
    demand.look(
      new Map([
        ["one", view(100)],
        ["other", HIDDEN],
      ]),
      0,
    ).again,
  ).toBe(500);
  expect(
    demand.look(
      new Map([
        ["one", view(100)],
        ["other", HIDDEN],
      ]),
      500,
    ).again,
  ).toBe(1000);
  expect(
    demand.look(
      new Map([
        ["one", view(100)],
        ["other", HIDDEN],
      ]),
      1500,
    ).again,
  ).toBeNull();
});

test("what is shown no more has no wish, and begins anew when it is shown again", () => {
  const demand = new Demand();
  wishOf(demand, 0, view(900));
  expect(demand.look(new Map(), 1).wishes.size).toBe(0);
  expect(wishOf(demand, 2, view(100))).toBe("low");
});

test("paused is the lowest of all wishes", () => {
  expect(lower("paused", "low")).toBe("paused");
  expect(lower("high", "medium")).toBe("medium");
});
