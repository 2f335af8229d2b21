import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Devices } from "../src/devices.ts";
import { NotAllowedHere } from "../src/errors.ts";
import type { Participant } from "../src/generated/protocol.ts";
import type { LocalTrack } from "../src/local-track.ts";
import { Publishing } from "../src/publishing.ts";
import { FakeTrack, Machine } from "./machine.ts";
import { participant, PERMISSIONS } from "./replica.ts";

let machine: Machine;
let me: Participant | null;
let sent: string[];
let altered: number;
let publishing: Publishing;

beforeEach(() => {
  machine = new Machine();
  machine.plug("audioinput", "built-in");
  machine.plug("audioinput", "headset");
  me = participant;
  sent = [];
  altered = 0;
  publishing = new Publishing({
    me: () => me,
    announced: () => false,
    send: (tracks) => (sent = tracks.map(({ source }) => source)),
    altered: () => altered++,
    announceMute: () => Promise.resolve(),
    muted: () => undefined,
    stopped: () => undefined,
    changed: () => undefined,
    failed: (error) => expect.unreachable(String(error)),
  });
});

afterEach(() => vi.unstubAllGlobals());

const fake = (kind: "audio" | "video") => new FakeTrack(kind, "file") as unknown as MediaStreamTrack;
const carried = (track: LocalTrack) => track.mediaTrack as unknown as FakeTrack;

test("a device that is switched goes on as the same track, muted as before", async () => {
  const devices = new Devices();
  const track = publishing.publishDevice(await devices.open("microphone"), { muted: true });
  const { id } = track;
  await devices.open("microphone", "headset");
  expect([carried(track).deviceId, carried(track).enabled, track.id, altered]).toEqual([
    "headset",
    false,
    id,
    1,
  ]);
  publishing.setMuted(track, false);
  expect(carried(track).enabled).toBe(true);
});

test("a device that is closed is not published any more, and one that is published no more is left alone", async () => {
  const devices = new Devices();
  const first = publishing.publishDevice(await devices.open("microphone"), {});
  publishing.unpublish(first);
  await devices.open("microphone", "headset");
  expect([altered, carried(first).deviceId]).toEqual([0, "built-in"]);
  const { microphone } = devices;
  if (microphone) publishing.publishDevice(microphone, {});
  expect(sent).toEqual(["microphone"]);
  devices.close();
  expect([sent, publishing.tracks]).toEqual([[], []]);
});

test("a track that is replaced may end without ending what is published, and another kind is refused", () => {
  const first = fake("video");
  const track = publishing.publish(first, "camera", {});
  const second = fake("video");
  publishing.replace(track, second);
  first.dispatchEvent(new Event("ended"));
  expect(sent).toEqual(["camera"]);
  expect(() => publishing.replace(track, fake("audio"))).toThrow(TypeError);
  second.dispatchEvent(new Event("ended"));
  expect(sent).toEqual([]);
});

test("a shared screen ends with its sound, by our button or by the browser's", async () => {
  const share = await publishing.shareScreen({});
  expect([sent, publishing.screenShare]).toEqual([["screen", "screen_audio"], share]);
  carried(share.video).ends();
  expect([sent, publishing.screenShare]).toEqual([[], null]);
  const again = await publishing.shareScreen({ sound: false });
  expect(sent).toEqual(["screen"]);
  again.stop();
  again.stop();
  expect([sent, publishing.screenShare]).toEqual([[], null]);
  expect(machine.captured.map(({ readyState }) => readyState)).toEqual(["ended", "ended", "ended"]);
});

test("a second screen takes the place of the first", async () => {
  const first = await publishing.shareScreen({});
  const second = await publishing.shareScreen({ hint: "motion" });
  expect([publishing.screenShare, sent]).toEqual([second, ["screen", "screen_audio"]]);
  expect([carried(first.video).readyState, carried(second.video).contentHint]).toEqual(["ended", "motion"]);
});

test("who may not share a screen is not asked for one, and who may share no sound shares none", async () => {
  const asked = vi.spyOn(machine, "getDisplayMedia");
  me = { ...participant, permissions: { ...PERMISSIONS, publish: ["camera"] } };
  await expect(publishing.shareScreen({})).rejects.toBeInstanceOf(NotAllowedHere);
  expect(asked).not.toHaveBeenCalled();
  me = { ...participant, permissions: { ...PERMISSIONS, publish: ["screen"] } };
  expect((await publishing.shareScreen({})).audio).toBeNull();
});

test("who chooses no screen has shared nothing", async () => {
  machine.refuses.video = new DOMException("Permission denied", "NotAllowedError");
  await expect(publishing.shareScreen({})).rejects.toMatchObject({
    code: "screen_cancelled",
    device: "screen",
  });
  expect(publishing.screenShare).toBeNull();
});

test("a screen that is chosen when the room is over already is not captured", async () => {
  publishing.close();
  await expect(publishing.shareScreen({})).rejects.toMatchObject({ code: "not_in_room" });
  expect(machine.captured.map(({ readyState }) => readyState)).toEqual(["ended", "ended"]);
});

test("a room that is over ends its screen, lets devices be, and does not hear of them any more", async () => {
  const devices = new Devices();
  const track = publishing.publishDevice(await devices.open("microphone"), {});
  await publishing.shareScreen({});
  publishing.close();
  await devices.open("microphone", "headset");
  expect([altered, carried(track).deviceId]).toEqual([0, "built-in"]);
  expect(
    machine.captured.filter(({ readyState }) => readyState === "live").map(({ deviceId }) => deviceId),
  ).toEqual(["headset"]);
});
