import { expect, test } from "vitest";
import { columnsFor } from "../src/layout.ts";

test("tiles stand side by side where there is width, and on top of one another where there is height", () => {
  expect([1, 2, 3, 4, 5, 9].map((count) => columnsFor(count, 1240, 640))).toEqual([1, 2, 2, 2, 3, 3]);
  expect([1, 2, 3, 4, 6].map((count) => columnsFor(count, 366, 700))).toEqual([1, 1, 1, 1, 2]);
});

test("an empty room and a window without size have one column", () => {
  expect(columnsFor(0, 1000, 500)).toBe(1);
  expect(columnsFor(3, 0, 0)).toBe(1);
});
