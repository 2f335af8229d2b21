import { expect, test } from "vitest";
import { keyFor, shortcutOf } from "../src/call/use-shortcuts.ts";

const press = (key: string, more: Partial<KeyboardEvent> = {}) =>
  ({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...more }) as KeyboardEvent;
const within = (selector: string) =>
  ({ closest: (asked: string) => (asked.split(", ").includes(selector) ? {} : null) }) as unknown as Element;

test("a letter does what it says, however it is written", () => {
  expect(shortcutOf(press("m"), null)).toBe("microphone");
  expect(shortcutOf(press("V"), null)).toBe("camera");
  expect(shortcutOf(press("?"), null)).toBe("help");
  expect(shortcutOf(press("x"), null)).toBeNull();
});

test("who writes, chooses or means the browser presses no shortcut", () => {
  for (const place of ["input", "select", "[role=menu]", "[role=dialog]"]) {
    expect(shortcutOf(press("m"), within(place))).toBeNull();
  }
  expect(shortcutOf(press("c", { ctrlKey: true }), null)).toBeNull();
  expect(shortcutOf(press("m", { repeat: true }), null)).toBeNull();
  expect(shortcutOf(press("toString"), null)).toBeNull();
});

test("a key is shown as it stands on the keyboard", () => {
  expect(keyFor("microphone")).toBe("M");
  expect(keyFor("help")).toBe("?");
});
