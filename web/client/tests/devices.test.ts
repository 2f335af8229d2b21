import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Devices } from "../src/devices.ts";
import { Machine } from "./machine.ts";

let machine: Machine;
let devices: Devices;
let told: string[];

beforeEach(() => {
  machine = new Machine();
  machine.plug("audioinput", "built-in");
  machine.plug("audioinput", "headset");
  machine.plug("videoinput", "webcam");
  machine.plug("audiooutput", "loudspeaker");
  devices = new Devices();
  told = [];
  devices.on("opened", ({ kind }) => told.push(`opened ${kind}`));
  devices.on("switched", ({ deviceId }, reason) => told.push(`${deviceId}, ${reason}`));
  devices.on("lost", ({ kind }, { code }) => told.push(`lost ${kind}: ${code}`));
});

afterEach(() => {
  devices.close();
  vi.unstubAllGlobals();
});

const refusal = (name: string, message = "") => new DOMException(message, name);
const live = () =>
  machine.captured.filter(({ readyState }) => readyState === "live").map(({ deviceId }) => deviceId);

test("camera and microphone are opened with one question, and what there is is known afterwards", async () => {
  const asked = vi.spyOn(machine, "getUserMedia");
  expect(await devices.openAll({ microphone: "headset" })).toEqual(new Map());
  expect(asked).toHaveBeenCalledTimes(1);
  expect([devices.camera?.deviceId, devices.microphone?.deviceId]).toEqual(["webcam", "headset"]);
  expect(devices.list.microphones.map(({ deviceId }) => deviceId)).toEqual(["built-in", "headset"]);
  expect(devices.list.speakers).toHaveLength(1);
});

test("without a camera the microphone is open all the same, and why there is no camera is told", async () => {
  machine.pull("webcam");
  const missing = await devices.openAll();
  expect([...missing].map(([kind, { code, device }]) => [kind, code, device])).toEqual([
    ["camera", "device_not_found", "camera"],
  ]);
  expect(missing.get("camera")?.remedy).not.toBe("");
  expect(live()).toEqual(["built-in"]);
});

test.each([
  [refusal("NotAllowedError", "Permission denied"), "device_denied"],
  [refusal("NotAllowedError", "Permission denied by system"), "device_denied_by_system"],
  [refusal("NotReadableError"), "device_in_use"],
  [refusal("OverconstrainedError"), "device_unsuitable"],
  [refusal("SecurityError"), "device_unsupported"],
  [refusal("InvalidStateError"), "device_failed"],
])("%s is told as %s", async (thrown, code) => {
  machine.refuses.audio = thrown;
  await expect(devices.open("microphone")).rejects.toMatchObject({
    code,
    device: "microphone",
    cause: thrown,
  });
});

test("a page that may have no devices says so instead of failing", async () => {
  vi.stubGlobal("navigator", {});
  const insecure = new Devices();
  await expect(insecure.open("camera")).rejects.toMatchObject({ code: "device_unsupported" });
  expect((await insecure.refresh()).cameras).toEqual([]);
});

test("another microphone takes the place of the first, which is let go, and is as muted as that was", async () => {
  const device = await devices.open("microphone");
  device.mediaTrack.enabled = false;
  const again = await devices.open("microphone", "headset");
  expect(again).toBe(device);
  expect([device.deviceId, device.mediaTrack.enabled, live()]).toEqual(["headset", false, ["headset"]]);
  expect(told).toEqual(["opened microphone", "headset, chosen"]);
});

test("a switch that fails leaves everything as it was", async () => {
  await devices.open("microphone");
  await expect(devices.open("microphone", "gone")).rejects.toMatchObject({ code: "device_unsuitable" });
  expect(live()).toEqual(["built-in"]);
});

test("where only one can be open at a time the first is closed for the second", async () => {
  machine.exclusive.add("headset");
  await devices.open("microphone");
  await devices.open("microphone", "headset");
  expect(live()).toEqual(["headset"]);
});

test("who pulls the headset goes on with what is left, and with the headset once it is back", async () => {
  await devices.open("microphone", "headset");
  machine.pull("headset");
  await vi.waitFor(() => expect(devices.microphone?.deviceId).toBe("built-in"));
  machine.plug("audioinput", "headset");
  await vi.waitFor(() => expect(devices.microphone?.deviceId).toBe("headset"));
  expect(told).toEqual(["opened microphone", "built-in, unplugged", "headset, plugged_in"]);
  expect(live()).toEqual(["headset"]);
});

test("the last camera that is pulled is lost, and the next one that comes is opened by itself", async () => {
  const first = await devices.open("camera");
  machine.pull("webcam");
  await vi.waitFor(() => expect(devices.camera).toBeNull());
  expect(first.closed).toBe(true);
  machine.plug("videoinput", "another");
  await vi.waitFor(() => expect(devices.camera?.deviceId).toBe("another"));
  expect(told).toEqual(["opened camera", "lost camera: device_not_found", "opened camera"]);
});

test("a permission that is withdrawn loses the device, and nothing is opened by itself", async () => {
  await devices.open("camera");
  machine.refuses.video = refusal("NotAllowedError");
  machine.captured[0]?.ends();
  await vi.waitFor(() => expect(told.at(-1)).toBe("lost camera: device_denied"));
  machine.refuses.video = null;
  machine.plug("videoinput", "another");
  await devices.refresh();
  expect(live()).toEqual([]);
});

test("what was closed while the person was still asked is let go", async () => {
  const opening = devices.open("camera");
  devices.close();
  await expect(opening).rejects.toMatchObject({ code: "device_failed" });
  expect(live()).toEqual([]);
});
