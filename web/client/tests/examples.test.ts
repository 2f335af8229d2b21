import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const GUIDE = fileURLToPath(new URL("../../../docs/sdk.md", import.meta.url));
/** What the guide says that its examples have. */
const GIVEN = `
import type { Devices as GivenDevices, Participant as Given, Room as GivenRoom } from "@nexusvibe/client";
declare const room: GivenRoom;
declare const devices: GivenDevices;
declare const token: string;
declare const bob: Given;
declare const button: HTMLButtonElement;
declare const video: HTMLVideoElement;
`;

/** Each example as a module: its imports, and the rest in a function of its own, so that it may name things anew. */
function modules(guide: string): Map<string, string> {
  const examples = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ""]) => text.split("\n"));
  return new Map(
    examples.map((lines, index) => {
      const imports = lines.filter((line) => line.startsWith("import "));
      const rest = lines.filter((line) => !line.startsWith("import "));
      const text = [...imports, GIVEN, "export async function example() {", ...rest, "}"].join("\n");
      return [`${HERE}example-${index + 1}.ts`, text];
    }),
  );
}

function complaints(sources: ReadonlyMap<string, string>): string[] {
  const config = `${HERE}../tsconfig.json`;
  const read = ts.readConfigFile(config, (path) => ts.sys.readFile(path)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, `${HERE}..`);
  // Examples name things to show them.
  const host = ts.createCompilerHost({ ...options, noUnusedLocals: false });
  const fromDisk = host.getSourceFile.bind(host);
  const onDisk = host.fileExists.bind(host);
  host.fileExists = (path) => sources.has(path) || onDisk(path);
  host.getSourceFile = (path, ...how) => {
    const text = sources.get(path);
    return text === undefined ? fromDisk(path, ...how) : ts.createSourceFile(path, text, how[0]);
  };
  const program = ts.createProgram([...sources.keys()], { ...options, noUnusedLocals: false }, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const name = file?.fileName.slice(HERE.length) ?? "";
    return `${name}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

test(
  "every example of the guide compiles against the SDK, and one that does not is told",
  { timeout: 300_000 },
  () => {
    const sources = modules(`${readFileSync(GUIDE, "utf-8")}\n\`\`\`ts\nroom.fly();\n\`\`\`\n`);
    expect(sources.size).toBeGreaterThan(10);
    expect(complaints(sources)).toEqual([
      `example-${sources.size}.ts: Property 'fly' does not exist on type 'Room'.`,
    ]);
  },
);
