// What both ends have in common: a transport that comes up once, and is over when DTLS ends or ICE was gone for long.

import type { types } from "mediasoup";

import { invalid } from "./errors.ts";

/** What a connection tells its room's owner. */
export type Watcher = {
  connected: () => void;
  receiving: (receiving: boolean) => void;
  over: (reason: string) => void;
};

/** `over` is told at most once, and never after the transport was closed by us. */
export function watch(transport: types.WebRtcTransport, watcher: Watcher): void {
  let done = false;
  const over = (reason: string) => {
    if (done || transport.closed) return;
    done = true;
    watcher.over(reason);
  };
  transport.on("dtlsstatechange", (state) => {
    if (state === "connected") watcher.connected();
    else if (state === "failed" || state === "closed") over(`DTLS ${state}`);
  });
  // mediasoup says so when no consent check (RFC 7675) has come for 30 s.
  transport.on("icestatechange", (state) => {
    if (state === "disconnected") over("ICE disconnected");
  });
}

/** Gives the transport the client's end of DTLS, from its `description`. */
export async function connect(
  transport: types.WebRtcTransport,
  dtlsParameters: types.DtlsParameters,
  description: "offer" | "answer",
): Promise<void> {
  try {
    await transport.connect({ dtlsParameters });
  } catch (error) {
    if (transport.closed) throw error;
    throw invalid(`The ${description}'s DTLS fingerprint can't be used.`);
  }
}
