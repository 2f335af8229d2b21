import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LocalTrack } from "../src/local-track.ts";
import { Media, type MediaHandlers } from "../src/media.ts";
import { EMPTY_ROOM } from "../src/state.ts";
import { placement } from "./replica.ts";

/** Just enough to publish: which connections are open is what these tests are about. */
class Connection {
  static readonly open = new Set<Connection>();
  readonly connectionState = "new";
  readonly signalingState = "stable";

  constructor() {
    Connection.open.add(this);
  }

  addTransceiver() {
    const sender = { replaceTrack: () => Promise.resolve() };
    return { sender, mid: "0", direction: "sendonly" };
  }

  createOffer() {
    return Promise.resolve({ type: "offer", sdp: "v=0" });
  }

  setLocalDescription() {
    return Promise.resolve();
  }

  close() {
    Connection.open.delete(this);
  }
}

let media: Media;

beforeEach(() => {
  vi.stubGlobal("RTCPeerConnection", Connection);
  const handlers: MediaHandlers = {
    describe: () => Promise.resolve(),
    trickle: () => undefined,
    askRestart: () => Promise.resolve(),
    failed: (error) => expect.unreachable(String(error)),
    room: () => EMPTY_ROOM,
    me: () => "me",
    expects: () => true,
    subscribed: () => undefined,
    unsubscribed: () => undefined,
    ready: () => undefined,
  };
  media = new Media(handlers);
  const microphone = { kind: "audio", enabled: true } as MediaStreamTrack;
  media.setLocalTracks([new LocalTrack(microphone, "microphone")]);
});

afterEach(() => {
  media.close();
  expect(Connection.open.size).toBe(0);
  vi.unstubAllGlobals();
});

function place(epoch: number): void {
  media.handle({
    type: "placement",
    version: 1,
    seq: 1,
    placement: { ...placement, topology: "sfu", epoch },
  });
}

function closed(epoch: number): void {
  media.handle({ type: "placement.closed", version: 1, seq: 1, epoch });
}

const epochs = () => media.connections().map(({ epoch }) => epoch);

test("while a call moves it is published in both places, until the older is closed", () => {
  place(1);
  place(2);
  expect(epochs()).toEqual([2, 1]);
  closed(1);
  expect(epochs()).toEqual([2]);
});

test("a call whose move is given up stays where it was, and can move again", () => {
  place(1);
  place(2);
  closed(2);
  expect(epochs()).toEqual([1]);
  place(3);
  expect(epochs()).toEqual([3, 1]);
});

test("a move that replaces another leaves two placements, the one that carries the call and the newest", () => {
  place(1);
  place(2);
  closed(2);
  place(3);
  place(4); // should its word that 3 is closed have been lost
  expect(epochs()).toHaveLength(2);
  expect(epochs()[0]).toBe(4);
});

test("media that are lost are closed before their successors are made", () => {
  place(1);
  closed(1);
  expect(epochs()).toEqual([]);
  place(2);
  expect(epochs()).toEqual([2]);
});
