import { expect, test } from "vitest";
import type { Person } from "../src/room/people.ts";
import { featuredOf, tilesOf } from "../src/room/tiles.ts";

const OFF = { track: null, id: null, on: false };
const person = (id: string, more: Partial<Person> = {}) =>
  ({ id, self: false, role: null, camera: OFF, screen: null, ...more }) as Person;
const me = person("me", { self: true });
const bob = person("bob");
const carol = person("carol", { screen: { track: null, id: "t", on: true } });
const nothing = { pinned: null, spotlight: false, speaker: null };

test("everybody has a tile, a screen has one of its own, and who only watches has none", () => {
  const tiles = tilesOf([me, bob, carol, person("tv", { role: "player" })]);
  expect(tiles.map(({ key }) => key)).toEqual(["screen:carol", "me", "bob", "carol"]);
});

test("all are alike until somebody shows a screen", () => {
  expect(featuredOf(tilesOf([me, bob]), nothing)).toBeNull();
  expect(featuredOf(tilesOf([me, bob, carol]), nothing)).toBe("screen:carol");
});

test("what is chosen goes before all else, as long as it is there", () => {
  const tiles = tilesOf([me, bob, carol]);
  expect(featuredOf(tiles, { ...nothing, pinned: "bob" })).toBe("bob");
  expect(featuredOf(tiles, { ...nothing, pinned: "gone" })).toBe("screen:carol");
});

test("in the spotlight is who speaks, before that another, and alone oneself", () => {
  const spotlight = { ...nothing, spotlight: true };
  expect(featuredOf(tilesOf([me, bob]), { ...spotlight, speaker: "me" })).toBe("me");
  expect(featuredOf(tilesOf([me, bob]), spotlight)).toBe("bob");
  expect(featuredOf(tilesOf([me]), spotlight)).toBe("me");
  expect(featuredOf([], spotlight)).toBeNull();
});
