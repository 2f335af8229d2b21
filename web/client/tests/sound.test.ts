import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RemoteTrack } from "../src/remote-tracks.ts";
import { Sound } from "../src/sound.ts";
import { participant } from "./replica.ts";

/** What the browser says to `play`; null: it plays. */
let refusal: DOMException | null;
let elements: FakeAudio[];
let blocked: boolean[];
let sound: Sound;

class FakeAudio {
  srcObject: unknown = null;
  volume = 1;
  sink = "";

  constructor() {
    elements.push(this);
  }

  play(): Promise<void> {
    return refusal ? Promise.reject(refusal) : Promise.resolve();
  }

  setSinkId(id: string): Promise<void> {
    if (id === "gone") return Promise.reject(new DOMException("gone", "NotFoundError"));
    this.sink = id;
    return Promise.resolve();
  }
}

function remote(id: string, kind: "audio" | "video" = "audio"): RemoteTrack {
  const track = {
    id,
    participant: participant.id,
    kind,
    source: "microphone",
    muted: false,
    simulcast: false,
  } as const;
  return { track, participant, mediaTrack: {} as MediaStreamTrack };
}

beforeEach(() => {
  [refusal, elements, blocked] = [null, [], []];
  vi.stubGlobal("Audio", FakeAudio);
  vi.stubGlobal("HTMLMediaElement", FakeAudio);
  vi.stubGlobal("MediaStream", EventTarget);
  sound = new Sound(
    (is) => blocked.push(is),
    (error) => expect.unreachable(String(error)),
  );
});

afterEach(() => vi.unstubAllGlobals());

test("sound is played, pictures are not, and what is gone is let go", () => {
  sound.add(remote("t_mic"));
  sound.add(remote("t_camera", "video"));
  expect(elements.map(({ srcObject }) => srcObject)).toHaveLength(1);
  sound.remove(remote("t_mic"));
  expect(elements[0]?.srcObject).toBeNull();
});

test("what the browser blocks is told once, and plays after a click", async () => {
  refusal = new DOMException("no gesture", "NotAllowedError");
  sound.add(remote("t_one"));
  sound.add(remote("t_two"));
  await vi.waitFor(() => expect(sound.blocked).toBe(true));
  await sound.start();
  expect(blocked).toEqual([true]);
  refusal = null;
  await sound.start();
  expect([sound.blocked, blocked]).toEqual([false, [true, false]]);
});

test("volume and speaker hold for what comes later too", async () => {
  sound.setVolume(participant.id, 0.5);
  await sound.setSpeaker("headset");
  sound.add(remote("t_mic"));
  await vi.waitFor(() => expect(elements[0]?.sink).toBe("headset"));
  expect(elements[0]?.volume).toBe(0.5);
  await expect(sound.setSpeaker("gone")).rejects.toMatchObject({
    code: "device_not_found",
    device: "speaker",
  });
});
