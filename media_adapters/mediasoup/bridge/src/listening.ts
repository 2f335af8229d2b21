// Where workers listen for media.

import { isIP } from "node:net";
import { networkInterfaces } from "node:os";

import type { types } from "mediasoup";

import type { Settings } from "./settings.ts";

type Address = { ip: string; announcedAddress?: string };

/**
 * The addresses to listen on. An address of this machine is listened on alone, and no other is told; another one stands
 * for ours behind a NAT. Without one, every interface's is offered, and loopback only if there is nothing else.
 */
export function addresses(wanted: string | null, interfaces = networkInterfaces()): Address[] {
  const here = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter(({ address, family }) => family === "IPv4" || !address.startsWith("fe80:")); // link-local needs a scope
  if (wanted === null) {
    const outside = here.filter((one) => !one.internal).map((one) => ({ ip: one.address }));
    return outside.length > 0 ? outside : [{ ip: "127.0.0.1" }];
  }
  if (wanted.startsWith("127.") || here.some((one) => one.address === wanted)) return [{ ip: wanted }];
  return [{ ip: isIP(wanted) === 6 ? "::" : "0.0.0.0", announcedAddress: wanted }];
}

/**
 * Bytes. All that a worker receives comes through one socket, in bursts of whole pictures, while it sends each of them
 * to everybody; the kernel gives less where `net.core.rmem_max` and `wmem_max` say so.
 */
const BUFFERS = { recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 };

/**
 * A WebRtcServer on one port, the lowest of the range from the `first`th on that is free for UDP and TCP at every
 * address: the operator opens as many ports as there are workers.
 */
export async function listen(
  worker: types.Worker,
  settings: Settings,
  first: number,
): Promise<types.WebRtcServer> {
  const [from, to] = settings.rtp_ports;
  let failure: unknown = null;
  for (let port = from + first; port <= to; port += 1) {
    const listenInfos = addresses(settings.media_address).flatMap((address): types.TransportListenInfo[] => [
      { protocol: "udp", port, ...BUFFERS, ...address },
      { protocol: "tcp", port, ...address },
    ]);
    try {
      return await worker.createWebRtcServer({ listenInfos });
    } catch (error) {
      if (worker.closed) throw error;
      failure = error;
    }
  }
  throw new Error(`No port between ${from} and ${to} can be listened on.`, { cause: failure });
}

/** Where workers reach each other and taps: within the range, on loopback. */
export function inside(settings: Settings, ip = "127.0.0.1"): types.TransportListenInfo {
  const [min, max] = settings.rtp_ports;
  return { protocol: "udp", ip, portRange: { min, max } };
}
