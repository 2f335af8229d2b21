import { readFileSync } from "node:fs";

import * as mediasoup from "mediasoup";
import * as ortc from "mediasoup/ortc";

import { routerCodecs } from "../src/capabilities.ts";
import type { LocalTransport } from "../src/sdp.ts";

/** What Chromium 156 offers, without its candidates. */
export const offered = (name: string): string =>
  readFileSync(new URL(`offers/${name}.sdp`, import.meta.url), "utf8");

export const CAMERA_AND_MICROPHONE = offered("camera-and-microphone"); // three simulcast layers
export const CAMERA_ALONE = offered("camera-alone");

export function router(...codecs: string[]): mediasoup.types.RtpCapabilities {
  return ortc.generateRouterRtpCapabilities(routerCodecs(codecs));
}

export const TRANSPORT: LocalTransport = {
  iceParameters: { usernameFragment: "ourfragment", password: "ourpassword-ourpassword", iceLite: true },
  iceCandidates: [
    {
      foundation: "udpcandidate",
      priority: 1,
      address: "192.0.2.1",
      ip: "192.0.2.1",
      protocol: "udp",
      port: 20000,
      type: "host",
    },
  ],
  dtlsParameters: {
    role: "auto",
    fingerprints: [
      { algorithm: "sha-1", value: "AA:AA" },
      { algorithm: "sha-256", value: "BB:BB" },
    ],
  },
};

/** The m-sections of a description. */
export const sections = (sdp: string): string[] => sdp.split(/(?=^m=)/m).slice(1);
