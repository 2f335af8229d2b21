import { describe, expect, test } from "vitest";
import { arrange, GAP, type Size } from "../src/layout.ts";

const WINDOW = { width: 1240, height: 640 };
const PHONE = { width: 366, height: 700 };
const counts = [1, 2, 3, 4, 5, 9, 16, 30, 49];

function columns(count: number, area: Size): number {
  return Math.floor((area.width + GAP) / (arrange(count, area, false).tile.width + GAP));
}

describe("all alike", () => {
  test("tiles stand side by side where there is width, and on top of one another where there is height", () => {
    expect([1, 2, 3, 4, 5, 9].map((count) => Math.min(count, columns(count, WINDOW)))).toEqual([
      1, 2, 2, 2, 3, 3,
    ]);
    expect([1, 2, 3, 6].map((count) => Math.min(count, columns(count, PHONE)))).toEqual([1, 1, 1, 2]);
  });

  test("nobody's face is cut to a slit, and no tile is wider than the window", () => {
    for (const area of [WINDOW, PHONE, { width: 900, height: 300 }, { width: 300, height: 900 }]) {
      for (const count of counts) {
        const { tile } = arrange(count, area, false);
        expect(tile.width / tile.height).toBeLessThanOrEqual(16 / 9 + 0.02);
        expect(tile.width / tile.height).toBeGreaterThanOrEqual(3 / 5 - 0.02);
        expect(tile.width).toBeLessThanOrEqual(area.width);
      }
    }
  });

  test("as many as fit are on the screen at once", () => {
    for (const count of [1, 2, 3, 4, 9, 16]) {
      const { tile } = arrange(count, WINDOW, false);
      const rows = Math.ceil(count / Math.min(count, columns(count, WINDOW)));
      expect(rows * (tile.height + GAP) - GAP).toBeLessThanOrEqual(WINDOW.height);
    }
  });

  test("in a crowd tiles stay large enough to know somebody by, and one scrolls", () => {
    const { tile } = arrange(49, PHONE, false);
    expect(tile.width).toBeGreaterThanOrEqual(150);
    expect(tile.height).toBeGreaterThanOrEqual(96);
  });
});

describe("one of them large", () => {
  test("the others stand beside it in a wide window, and below it in a high one", () => {
    expect(arrange(4, WINDOW, true)).toMatchObject({ shape: "side", main: { height: 640 } });
    expect(arrange(4, PHONE, true)).toMatchObject({ shape: "below", main: { width: 366 } });
  });

  test("it has by far the most room, and leaves the others theirs", () => {
    for (const area of [WINDOW, PHONE]) {
      const { shape, tile, main } = arrange(6, area, true);
      if (!main) throw new Error("nobody is large");
      expect(main.width * main.height).toBeGreaterThan(0.5 * area.width * area.height);
      if (shape === "side") expect(main.width + GAP + tile.width).toBeLessThanOrEqual(area.width);
      else expect(main.height + GAP + tile.height).toBeLessThanOrEqual(area.height);
    }
  });

  test("alone it has everything", () => {
    expect(arrange(1, WINDOW, true).main).toEqual(WINDOW);
  });
});

test("an empty room and a window without size are no mistake", () => {
  for (const featured of [true, false]) {
    for (const count of [0, 1, 3]) {
      const { tile } = arrange(count, { width: 0, height: 0 }, featured);
      expect(tile.width).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(tile.height)).toBe(true);
    }
  }
});
