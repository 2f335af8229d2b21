// The bridge between an adapter and mediasoup: `node main.ts FOLDER/settings.json`. Started by the adapter's backend.

import { basename, dirname } from "node:path";

import { readSettings } from "./settings.ts";
import { serve } from "./server.ts";
import { Workers } from "./workers.ts";

async function main(file: string): Promise<void> {
  process.chdir(dirname(file)); // a socket's path has at most 107 characters; from here it is short
  const settings = readSettings(basename(file));
  const workers = new Workers(settings);
  await workers.start();
  await serve(workers, settings);
  process.once("SIGTERM", () => {
    workers.close();
    process.exit(0);
  });
}

try {
  await main(process.argv[2] ?? "");
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
