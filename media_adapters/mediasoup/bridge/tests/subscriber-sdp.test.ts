import assert from "node:assert/strict";
import { test } from "node:test";

import type { types } from "mediasoup";

import { Refusal } from "../src/errors.ts";
import { readAnswer, Sections } from "../src/subscriber-sdp.ts";
import { CAMERA_AND_MICROPHONE, sections, TRANSPORT } from "./support.ts";

function sending(id: string, ssrc: number) {
  const rtp: types.RtpParameters = {
    codecs: [{ mimeType: "video/VP8", payloadType: 101, clockRate: 90000, parameters: {}, rtcpFeedback: [] }],
    headerExtensions: [],
    encodings: [{ ssrc }],
    rtcp: { cname: "alice" },
  };
  return { rtp, stream: "alice", id };
}

function filled(...ids: string[]): Sections {
  const book = new Sections();
  ids.forEach((id, index) => book.fill(book.take("video"), "video", sending(id, index + 1)));
  return book;
}

test("each track has a section of its own", () => {
  const offer = filled("camera", "screen").write(TRANSPORT, 1);
  const [first, second] = sections(offer);
  assert.match(first ?? "", /a=mid:0[^]*a=msid:alice camera/);
  assert.match(second ?? "", /a=mid:1[^]*a=msid:alice screen/);
  assert.match(offer, /^a=group:BUNDLE 0 1/m);
  assert.match(first ?? "", /^a=setup:actpass/m);
});

test("a section that is given up stays, inactive, also the first one", () => {
  const book = filled("camera", "screen");
  book.free("0");
  const [first, second] = sections(book.write(TRANSPORT, 2));
  assert.match(first ?? "", /^m=video 7 [^]*a=inactive/);
  assert.match(second ?? "", /a=sendonly/);
});

test("an idle section is used again for its kind, and only for that", () => {
  const book = filled("camera", "screen");
  book.free("0");
  assert.equal(book.take("audio"), "2");
  assert.equal(book.take("video"), "0");
  book.fill("0", "video", sending("other", 9));
  const offer = sections(book.write(TRANSPORT, 3));
  assert.equal(offer.length, 2);
  assert.match(offer[0] ?? "", /a=msid:alice other[^]*a=ssrc:9 /);
});

test("a section that was taken and never filled is in no offer", () => {
  const book = filled("camera");
  book.free(book.take("video"));
  assert.equal(sections(book.write(TRANSPORT, 1)).length, 1);
  assert.notEqual(book.take("video"), "0");
});

test("an answer tells which sections the browser takes", () => {
  const answer = CAMERA_AND_MICROPHONE.replace("m=video 9", "m=video 0").replaceAll("actpass", "active");
  const { dtls, taken } = readAnswer(answer);
  assert.deepEqual([...taken], ["0"]);
  assert.equal(dtls.role, "client");
  assert.throws(() => readAnswer("v=0\r\n"), Refusal);
});
