// The m-sections of a subscriber and the offers made of them. No I/O.

import { extractDtlsParameters } from "mediasoup-client/handlers/sdp/commonUtils";
import type { types } from "mediasoup";
import * as sdpTransform from "sdp-transform";

import { faultOfClient } from "./errors.ts";
import { type LocalTransport, remoteSdp, written } from "./sdp.ts";

/** What an m-section carries, or carried last. */
export type Sending = { rtp: types.RtpParameters; stream: string; id: string };

type Section = { mid: string; kind: types.MediaKind; sending: Sending; active: boolean };

/**
 * The m-sections in their order, which never changes. A section is never stopped, only inactive, and used again for the
 * next track of its kind: a stopped one could be used only after the browser has answered, and stopping the first would
 * end the transport of all.
 */
export class Sections {
  #sections: Section[] = [];
  #next = 0;

  /** The mid for the next track of this kind: that of an idle section, or a new one. */
  take(kind: types.MediaKind): string {
    const idle = this.#sections.find((one) => one.kind === kind && !one.active);
    if (!idle) return String(this.#next++);
    idle.active = true;
    return idle.mid;
  }

  /** What a section taken carries from the next offer on. */
  fill(mid: string, kind: types.MediaKind, sending: Sending): void {
    const section = this.#sections.find((one) => one.mid === mid);
    if (section) section.sending = sending;
    else this.#sections.push({ mid, kind, sending, active: true });
  }

  /** The section is inactive in the next offer. */
  free(mid: string): void {
    const section = this.#sections.find((one) => one.mid === mid);
    if (section) section.active = false;
  }

  write(transport: LocalTransport, version: number): string {
    const remote = remoteSdp(transport, "auto");
    for (const { mid, kind, sending, active } of this.#sections) {
      const { rtp, stream, id } = sending;
      remote.receive({ mid, kind, offerRtpParameters: rtp as never, streamId: stream, trackId: id });
      if (!active) remote.disableMediaSection(mid);
    }
    return written(remote, version);
  }
}

/** A browser's answer: its end of DTLS, and the mids that it takes. */
export function readAnswer(sdp: string): { dtls: types.DtlsParameters; taken: ReadonlySet<string> } {
  return faultOfClient("The answer is malformed.", () => {
    const parsed = sdpTransform.parse(sdp);
    return {
      dtls: extractDtlsParameters({ sdpObject: parsed }),
      taken: new Set(parsed.media.filter((media) => media.port !== 0).map((media) => String(media.mid))),
    };
  });
}
