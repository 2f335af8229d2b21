import { expect, test } from "vitest";
import { restored } from "../src/preferences.ts";

const first = restored(null);

test("what was kept is there again", () => {
  expect(
    restored(JSON.stringify({ ...first, name: "Ann", theme: "dark", language: "es", dataSaver: true })),
  ).toEqual({
    ...first,
    name: "Ann",
    theme: "dark",
    language: "es",
    dataSaver: true,
  });
});

test.each(["", "{", "null", "[]", '"text"', '{"name": 3, "unknown": true, "theme": null}'])(
  "what we would not have kept counts for nothing: %s",
  (text) => {
    expect(restored(text)).toEqual(first);
  },
);

test("a theme or a language that does not exist is not taken over", () => {
  expect(restored('{"theme": "neon", "language": "tlh"}')).toEqual(first);
});
