import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SERVER_ERROR_CODES } from "../src/errors.ts";

test("every code that the protocol's page lists is known by type, and no other", () => {
  const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf-8");
  const [, table = ""] = /\n## Errors\n([\s\S]*?)\n## /.exec(page) ?? [];
  const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
  expect([...SERVER_ERROR_CODES]).toEqual(listed);
});
