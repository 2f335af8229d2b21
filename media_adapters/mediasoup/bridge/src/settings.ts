// What the adapter's backend writes down for the bridge before it starts it.

import { readFileSync } from "node:fs";

export type Settings = {
  /** The Unix socket to listen on, relative to the folder of the settings. */
  socket: string;
  /** What starts a worker, relative to the same folder. */
  worker: string;
  /** How many workers; 0: one per core. */
  workers: number;
  /** The address to offer for media; null: those of every interface. */
  media_address: string | null;
  /** Inclusive range of UDP and TCP ports. */
  rtp_ports: [number, number];
  /** Consumers on one worker after which a room spreads to another. */
  consumers_per_router: number;
};

export function readSettings(file: string): Settings {
  return JSON.parse(readFileSync(file, "utf8")) as Settings;
}
