import { SERVER_ERROR_CODES } from "@nexusvibe/client";
import { expect, test } from "vitest";
import { endingKey, hasDetails, isSpent } from "../src/endings.ts";

/** What can refuse somebody at the door, of all that a server may answer. */
const AT_THE_DOOR = [
  "banned",
  "expired_token",
  "invalid_token",
  "kicked",
  "lobby_full",
  "media_unavailable",
  "no_capacity",
  "room_closed",
  "room_full",
  "room_locked",
  "unavailable",
] as const;

test("what refuses somebody at the door has words of its own, under the name that the server gives it", () => {
  for (const code of AT_THE_DOOR) {
    expect(SERVER_ERROR_CODES).toContain(code);
    expect(endingKey(code)).toBe(code);
  }
});

test("a code from the future is told in the server's own words", () => {
  for (const code of ["of_the_future", "toString"]) {
    expect(endingKey(code)).toBe("unknown");
    expect(hasDetails(code)).toBe(true);
  }
});

test("who is banned reads until when, who has left needs no details", () => {
  expect(hasDetails("banned")).toBe(true);
  expect(hasDetails("left")).toBe(false);
});

test("a new invitation is asked for only where the old one can't help any more", () => {
  expect(["expired_token", "banned", "room_full", "server_unreachable"].map(isSpent)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
