import type { Participant } from "@nexusvibe/client";
import { expect, test } from "vitest";
import { placesInLine } from "../src/hand.ts";

const person = (id: string, hand_raised_at?: number) => ({ id, hand_raised_at }) as Participant;

test("who raised their hand first is the first in line, and who did not is in no line", () => {
  const people = [person("late", 9), person("silent"), person("b", 5), person("a", 5)];
  expect([...placesInLine(people)]).toEqual([
    ["a", 1],
    ["b", 2],
    ["late", 3],
  ]);
});
