import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const MOST = 40_000;

async function bundled(): Promise<string> {
  const made = await build({ root: HERE, logLevel: "silent", build: { write: false } });
  const [output] = [made].flat();
  if (!output || !("output" in output)) throw new Error("vite built nothing");
  expect(output.output.filter(({ type }) => type === "chunk")).toHaveLength(1);
  return output.output[0].code;
}

test("the SDK is one module under 40 kB gzipped that imports nothing", { timeout: 60_000 }, async () => {
  const code = await bundled();
  expect(code).not.toMatch(/^\s*import[\s{*"']/m);
  expect(gzipSync(code).byteLength).toBeLessThan(MOST);
});

test("the SDK has no dependencies at run time", () => {
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(
    readFileSync(`${HERE}/package.json`, "utf-8"),
  ) as Record<string, object>;
  expect({ ...dependencies, ...peerDependencies }).toEqual({});
});
