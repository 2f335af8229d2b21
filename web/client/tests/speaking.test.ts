import { beforeEach, expect, test } from "vitest";
import { Speaking } from "../src/speaking.ts";

const STEP = 200;

let speaking: Speaking;
let now: number;

beforeEach(() => {
  speaking = new Speaking();
  now = 0;
});

/** These levels go on for so many ms. */
function hear(levels: Record<string, number>, ms = STEP): void {
  for (const until = now + ms; now < until; now += STEP) {
    speaking.look(new Map(Object.entries(levels)), "me", now);
  }
}

const names = () => speaking.speakers.map(({ participant }) => participant);

test("who is louder than a whisper speaks, the loudest first, and a pause between words is no silence", () => {
  hear({ ann: 0.1, bob: 0.3, carol: 0.001, me: 0.2 });
  expect(names()).toEqual(["bob", "me", "ann"]);
  hear({ ann: 0, bob: 0, carol: 0, me: 0 }, 600);
  expect(names()).toHaveLength(3);
  hear({ ann: 0, bob: 0, carol: 0, me: 0 }, 600);
  expect(names()).toEqual([]);
});

test("the active speaker is the last one who spoke, and never oneself", () => {
  hear({ ann: 0.1, me: 0.9 });
  expect(speaking.active).toBe("ann");
  hear({ ann: 0, me: 0.9 }, 5000);
  expect(speaking.active).toBe("ann");
  hear({ me: 0.9 });
  expect(speaking.active).toBeNull();
});

test("a cough does not take the screen from who speaks, an interruption does", () => {
  hear({ ann: 0.1, bob: 0 }, 2000);
  hear({ ann: 0.1, bob: 0.5 });
  hear({ ann: 0.1, bob: 0 }, 2000);
  expect(speaking.active).toBe("ann");
  hear({ ann: 0.1, bob: 0.5 }, 1000);
  expect(speaking.active).toBe("bob");
});

test("after a silence whoever begins is shown at once", () => {
  hear({ ann: 0.1, bob: 0 });
  hear({ ann: 0, bob: 0 }, 2000);
  hear({ ann: 0, bob: 0.03 });
  expect(speaking.active).toBe("bob");
});

test("a level sinks slowly and is gone with the participant", () => {
  hear({ ann: 0.5 });
  hear({ ann: 0 });
  expect(speaking.level("ann")).toBeCloseTo(0.35);
  hear({});
  expect(speaking.level("ann")).toBe(0);
});
