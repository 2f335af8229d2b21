import assert from "node:assert/strict";
import { test } from "node:test";

import type { types } from "mediasoup";
import { generateRouterRtpCapabilities } from "mediasoup/ortc";

import { Refusal } from "../src/errors.ts";
import { readPlayersOffer, takes, writePlayersAnswer } from "../src/player-sdp.ts";
import { CAMERA_AND_MICROPHONE, router, sections, TRANSPORT } from "./support.ts";

const PLAYER = CAMERA_AND_MICROPHONE.replaceAll("a=sendonly", "a=recvonly").replaceAll(
  "a=sendrecv",
  "a=recvonly",
);

const read = (sdp = PLAYER, codecs = ["opus", "VP8", "H264"]) => readPlayersOffer(sdp, router(...codecs));

const sending = (payloadType: number) => ({
  rtp: {
    codecs: [{ mimeType: "video/VP8", payloadType, clockRate: 90000, parameters: {}, rtcpFeedback: [] }],
    headerExtensions: [],
    encodings: [{ ssrc: 7 }],
    rtcp: { cname: "alice" },
  } satisfies types.RtpParameters,
  stream: "alice",
  id: "camera",
});

test("a player's tracks come under the payload types that it offered", () => {
  const { slots, dialect } = read();
  assert.deepEqual(
    slots.map(({ mid, kind, codecs }) => [mid, kind, ...codecs.map((codec) => codec.preferredPayloadType)]),
    [
      ["0", "audio", 111],
      ["1", "video", 96, 108],
    ],
  );
  const routed = generateRouterRtpCapabilities(dialect.codecs).codecs ?? [];
  assert.deepEqual(
    routed.filter((codec) => !codec.mimeType.endsWith("rtx")).map((codec) => codec.preferredPayloadType),
    [111, 96, 108],
  );
});

test("players that offer the same payload types share a dialect, others have one of their own", () => {
  assert.equal(read().dialect.key, read().dialect.key);
  const other = PLAYER.replaceAll(/\b111\b/g, "109");
  assert.notEqual(read(other).dialect.key, read().dialect.key);
});

test("a payload type that the router would give to its own retransmissions costs that codec, not the offer", () => {
  const crossed = PLAYER.replaceAll(/\b100\b/g, "77").replaceAll(/\b108\b/g, "100"); // 100 is the router's first choice
  const [, video] = read(crossed).slots;
  assert.deepEqual(
    video?.codecs.map((codec) => codec.mimeType),
    ["video/VP8"],
  );
});

test("a section takes no codec that the room does not have, and none at all if it does not receive", () => {
  const [audio, video] = read(PLAYER, ["opus", "AV1"]).slots;
  assert.deepEqual(
    [audio, video].map((slot) => slot && takes(slot).codecs?.map((codec) => codec.mimeType)),
    [["audio/opus"], ["video/AV1"]],
  );
  assert.deepEqual(
    read(PLAYER.replaceAll("a=recvonly", "a=sendonly")).slots.map(({ codecs }) => codecs.length),
    [0, 0],
  );
});

test("the answer sends in the sections that have a track, passive and without extensions; others are inactive", () => {
  const answer = writePlayersAnswer(TRANSPORT, read(), new Map([["1", sending(96)]]), 1);
  const [audio, video] = sections(answer);
  assert.match(audio ?? "", /^m=audio [^]*a=inactive/);
  assert.match(video ?? "", /^m=video \d+ UDP\/TLS\/RTP\/SAVPF 96\r\n[^]*a=sendonly/);
  assert.match(video ?? "", /a=msid:alice camera[^]*a=ssrc:7 cname:alice/);
  assert.match(video ?? "", /a=mid:1\r\n/);
  assert.match(answer, /^a=group:BUNDLE 0 1/m);
  assert.doesNotMatch(answer, /actpass|a=extmap/);
  assert.equal(answer.match(/a=setup:passive/g)?.length, 2);
});

test("an offer that can't be answered is refused", () => {
  const refused = (sdp: string) =>
    assert.throws(
      () => read(sdp),
      (error) => error instanceof Refusal && error.code === "invalid_description",
    );
  refused("v=0\r\n");
  refused(PLAYER.replace("m=video 9", "m=video 0"));
  refused(PLAYER.replace(/a=group:BUNDLE.*\r?\n/, ""));
});
