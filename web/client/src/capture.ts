import { asDeviceError, DeviceError } from "./errors.ts";

export type DeviceKind = "camera" | "microphone";

/** What is asked for of each kind of device, beside which one it is. */
export type CaptureConstraints = Readonly<Partial<Record<DeviceKind, MediaTrackConstraints>>>;

export interface DeviceList {
  readonly cameras: readonly MediaDeviceInfo[];
  readonly microphones: readonly MediaDeviceInfo[];
  readonly speakers: readonly MediaDeviceInfo[];
}

export const NO_DEVICES: DeviceList = { cameras: [], microphones: [], speakers: [] };

const CAMERA: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 } };

export function ofKind(list: DeviceList, kind: DeviceKind): readonly MediaDeviceInfo[] {
  return kind === "camera" ? list.cameras : list.microphones;
}

/** Every device that the browser tells of; none on a page that may not use any. */
export async function enumerate(): Promise<DeviceList> {
  const all = (await mediaDevices()?.enumerateDevices()) ?? [];
  const of = (kind: MediaDeviceKind) => all.filter((device) => device.kind === kind);
  return { cameras: of("videoinput"), microphones: of("audioinput"), speakers: of("audiooutput") };
}

/** One track of each kind that is wanted, of the device with that id or of any. Rejects with `DeviceError`. */
export async function capture(
  wanted: ReadonlyMap<DeviceKind, string | undefined>,
  constraints: CaptureConstraints,
): Promise<ReadonlyMap<DeviceKind, MediaStreamTrack>> {
  const [first = "camera"] = wanted.keys();
  const asked = (kind: DeviceKind, usual: MediaTrackConstraints): MediaTrackConstraints | false => {
    const deviceId = wanted.get(kind);
    if (!wanted.has(kind)) return false;
    return {
      ...usual,
      ...constraints[kind],
      ...(deviceId !== undefined && { deviceId: { exact: deviceId } }),
    };
  };
  const devices = mediaDevices();
  if (!devices) throw new DeviceError("device_unsupported", first);
  try {
    const stream = await devices.getUserMedia({
      video: asked("camera", CAMERA),
      audio: asked("microphone", {}),
    });
    const tracks = [
      ["camera", stream.getVideoTracks()[0]] as const,
      ["microphone", stream.getAudioTracks()[0]] as const,
    ];
    return new Map(tracks.flatMap(([kind, track]) => (track ? [[kind, track] as const] : [])));
  } catch (error) {
    throw asDeviceError(error, first);
  }
}

/** The person is asked what to share. Rejects with `DeviceError`. */
export async function captureScreen(sound: boolean): Promise<MediaStream> {
  const devices = mediaDevices();
  if (!devices || !("getDisplayMedia" in devices)) throw new DeviceError("device_unsupported", "screen");
  // What comes out of a program is no voice in a room: nothing is to be cancelled or levelled.
  const untouched = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const options = {
    video: { frameRate: { ideal: 30 } },
    audio: sound && untouched,
    // Chromium's, unknown to the DOM's types and ignored elsewhere.
    selfBrowserSurface: "exclude",
    surfaceSwitching: "include",
    systemAudio: "include",
  };
  try {
    return await devices.getDisplayMedia(options);
  } catch (error) {
    throw asDeviceError(error, "screen");
  }
}

/** Not there on a page that is not secure, and outside of browsers. */
export function mediaDevices(): MediaDevices | undefined {
  return (navigator as Partial<Navigator>).mediaDevices;
}
