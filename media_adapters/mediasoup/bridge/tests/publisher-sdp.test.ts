import assert from "node:assert/strict";
import { test } from "node:test";

import { Refusal } from "../src/errors.ts";
import { type Offer, readOffer, writeAnswer } from "../src/publisher-sdp.ts";
import { CAMERA_ALONE, CAMERA_AND_MICROPHONE, router, sections, TRANSPORT } from "./support.ts";

const read = (sdp: string, codecs = ["opus", "VP8", "H264"], layered: string[] = []): Offer =>
  readOffer(sdp, router(...codecs), new Set(layered));

function rtp(offer: Offer, index: number) {
  const found = offer.sections[index]?.rtp;
  assert.ok(found);
  return found;
}

const refused = (sdp: string) =>
  assert.throws(
    () => read(sdp),
    (error) => error instanceof Refusal && error.code === "invalid_description",
  );

test("audio and video keep the browser's payload types and extension ids, each section its own", () => {
  const offer = read(CAMERA_AND_MICROPHONE);
  assert.deepEqual(
    rtp(offer, 0).codecs.map((codec) => codec.payloadType),
    [111],
  );
  assert.deepEqual(
    rtp(offer, 1).codecs.map((codec) => codec.payloadType),
    [96, 97],
  );
  for (const index of [0, 1]) {
    const ids = rtp(offer, index).headerExtensions?.map(
      (one) => `${one.id} ${one.uri.split(/[:/]/).at(-1) ?? ""}`,
    );
    assert.ok(ids);
    assert.ok(ids.includes("4 mid"));
    assert.ok(ids.includes("3 draft-holmer-rmcat-transport-wide-cc-extensions-01"));
  }
});

test("the room's preference decides the codec, not the browser's", () => {
  assert.equal(rtp(read(CAMERA_ALONE, ["VP9", "VP8"]), 0).codecs[0]?.mimeType, "video/VP9");
  assert.equal(rtp(read(CAMERA_ALONE, ["H264", "VP8"]), 0).codecs[0]?.payloadType, 108);
  assert.equal(rtp(read(CAMERA_ALONE, ["AV1"]), 0).codecs[0]?.mimeType, "video/AV1");
});

test("simulcast layers are listed worst first", () => {
  const encodings = rtp(read(CAMERA_AND_MICROPHONE), 1).encodings;
  assert.deepEqual(
    encodings?.map((one) => one.rid),
    ["l", "m", "h"],
  );
});

test("a VP9 track with layers is one stream of three, other single streams have none", () => {
  assert.equal(rtp(read(CAMERA_ALONE, ["VP9"], ["0"]), 0).encodings?.[0]?.scalabilityMode, "L3T3");
  assert.equal(rtp(read(CAMERA_ALONE, ["VP9"]), 0).encodings?.[0]?.scalabilityMode, undefined);
  assert.equal(rtp(read(CAMERA_ALONE, ["VP8"], ["0"]), 0).encodings?.[0]?.scalabilityMode, undefined);
});

test("with a codec that mediasoup takes no simulcast of, the browser is asked for one stream", () => {
  const offer = read(CAMERA_AND_MICROPHONE, ["opus", "AV1"]);
  assert.equal(rtp(offer, 1).encodings?.length, 1);
  assert.doesNotMatch(writeAnswer(TRANSPORT, offer, 1), /a=(simulcast|rid)/);
});

test("a stream whose SSRC is not announced is told by its mid", () => {
  const offer = read(CAMERA_ALONE.replaceAll(/^a=ssrc.*\r\n/gm, ""));
  assert.deepEqual(rtp(offer, 0).encodings, [{}]);
  assert.equal(rtp(offer, 0).mid, "0");
});

test("the answer takes Opus with DTX and FEC, retransmission and transport-wide congestion control", () => {
  const [audio, video] = sections(writeAnswer(TRANSPORT, read(CAMERA_AND_MICROPHONE), 1));
  assert.match(audio ?? "", /^a=fmtp:111 .*useinbandfec=1.*usedtx=1/m);
  assert.match(audio ?? "", /^a=recvonly/m);
  assert.match(video ?? "", /^a=fmtp:97 apt=96/m);
  assert.match(video ?? "", /^a=rtcp-fb:96 transport-cc/m);
  assert.match(video ?? "", /^a=simulcast:recv h;m;l/m);
});

test("the answer has the offer's sections in their order, is passive and names the strong fingerprint", () => {
  const answer = writeAnswer(TRANSPORT, read(CAMERA_AND_MICROPHONE), 7);
  assert.deepEqual(
    sections(answer).map((one) => one.slice(0, 7)),
    ["m=audio", "m=video"],
  );
  assert.match(answer, /^o=- 1 7 IN IP4 0\.0\.0\.0\r$/m);
  assert.match(answer, /^a=fingerprint:sha-256 BB:BB/m);
  assert.doesNotMatch(answer, /setup:(active|actpass)|sha-1|mediasoup/);
});

test("a section that the room has no codec for is answered inactive with its own formats, the others as usual", () => {
  const offer = read(CAMERA_AND_MICROPHONE, ["opus"]);
  assert.equal(offer.sections[1]?.rtp, null);
  const [audio, video] = sections(writeAnswer(TRANSPORT, offer, 1));
  assert.match(audio ?? "", /^a=recvonly/m);
  assert.match(video ?? "", /^a=inactive/m);
  assert.match(video ?? "", /^m=video 7 UDP\/TLS\/RTP\/SAVPF 96 /);
});

test("a section that sends nothing any more is answered inactive, a stopped one stays stopped", () => {
  const [audio, video] = sections(CAMERA_AND_MICROPHONE);
  const head = CAMERA_AND_MICROPHONE.slice(0, CAMERA_AND_MICROPHONE.indexOf("m="));
  const idle = read(head + (audio ?? "") + (video ?? "").replace("a=sendonly", "a=inactive"));
  assert.equal(idle.sections[1]?.rtp, null);
  assert.match(sections(writeAnswer(TRANSPORT, idle, 1))[1] ?? "", /^a=inactive/m);
  const stopped = read(
    head.replace("BUNDLE 0 1", "BUNDLE 0") + (audio ?? "") + (video ?? "").replace("m=video 9", "m=video 0"),
  );
  assert.match(sections(writeAnswer(TRANSPORT, stopped, 1))[1] ?? "", /^m=video 0 UDP\/TLS\/RTP\/SAVPF 96 /);
});

test("what can't be answered is the client's fault", () => {
  refused("v=0\r\n");
  refused(CAMERA_AND_MICROPHONE.replace("a=group:BUNDLE 0 1\r\n", ""));
  refused(CAMERA_AND_MICROPHONE.replaceAll(/^a=fingerprint.*\r\n/gm, ""));
  refused(CAMERA_AND_MICROPHONE.replaceAll(/^a=ice-ufrag.*\r\n/gm, ""));
  refused(CAMERA_AND_MICROPHONE.replaceAll("a=rtpmap:96 VP8/90000", "a=rtpmap:111 VP8/x"));
});

test("two sections with one SSRC are refused before anything is made of them", () => {
  const [video] = sections(CAMERA_ALONE);
  const twice = CAMERA_ALONE.replace("BUNDLE 0", "BUNDLE 0 1") + (video ?? "").replace("a=mid:0", "a=mid:1");
  refused(twice);
});
