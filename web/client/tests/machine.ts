import { vi } from "vitest";

/** A captured track. `ends` as when its device is pulled. */
export class FakeTrack extends EventTarget {
  enabled = true;
  readyState: MediaStreamTrackState = "live";
  contentHint = "";

  constructor(
    readonly kind: "audio" | "video",
    readonly deviceId: string,
  ) {
    super();
  }

  get id(): string {
    return `of ${this.deviceId}`;
  }

  get label(): string {
    return `The ${this.deviceId}`;
  }

  getSettings(): MediaTrackSettings {
    return { deviceId: this.deviceId };
  }

  stop(): void {
    this.readyState = "ended";
  }

  ends(): void {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
}

const KINDS = { videoinput: "video", audioinput: "audio", audiooutput: null } as const;

/** A machine's cameras and microphones, plugged and pulled by the test, as `navigator.mediaDevices` shows them. */
export class Machine extends EventTarget {
  readonly captured: FakeTrack[] = [];
  /** What the person or the system answers, by kind of track; null: yes. */
  readonly refuses: Record<"audio" | "video", DOMException | null> = { audio: null, video: null };
  /** Devices that only one program, or page, may have at a time. */
  readonly exclusive = new Set<string>();
  private readonly plugged: { readonly kind: MediaDeviceKind; readonly deviceId: string }[] = [];

  constructor() {
    super();
    vi.stubGlobal("navigator", { mediaDevices: this });
  }

  plug(kind: MediaDeviceKind, deviceId: string): void {
    this.plugged.push({ kind, deviceId });
    this.dispatchEvent(new Event("devicechange"));
  }

  /** Its tracks end, and the list is another. */
  pull(deviceId: string): void {
    this.plugged.splice(
      this.plugged.findIndex((device) => device.deviceId === deviceId),
      1,
    );
    for (const track of this.captured) if (track.deviceId === deviceId && live(track)) track.ends();
    this.dispatchEvent(new Event("devicechange"));
  }

  enumerateDevices(): Promise<unknown[]> {
    return Promise.resolve([...this.plugged]);
  }

  getUserMedia({ audio, video }: MediaStreamConstraints): Promise<MediaStream> {
    try {
      const tracks = [this.capture("video", video), this.capture("audio", audio)].filter(
        (track) => track !== null,
      );
      return Promise.resolve(stream(tracks));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  getDisplayMedia({ audio }: MediaStreamConstraints): Promise<MediaStream> {
    const { video: refused } = this.refuses;
    if (refused) return Promise.reject(refused);
    const tracks = [new FakeTrack("video", "screen"), ...(audio ? [new FakeTrack("audio", "screen")] : [])];
    this.captured.push(...tracks);
    return Promise.resolve(stream(tracks));
  }

  private capture(kind: "audio" | "video", wanted: MediaStreamConstraints["video"]): FakeTrack | null {
    if (!wanted) return null;
    const refused = this.refuses[kind];
    if (refused) throw refused;
    const exact = wanted === true ? undefined : named(wanted);
    const fitting = this.plugged.filter((device) => KINDS[device.kind] === kind);
    if (fitting.length === 0) throw new DOMException("none", "NotFoundError");
    const [found] = exact === undefined ? fitting : fitting.filter(({ deviceId }) => deviceId === exact);
    if (!found) throw new DOMException("not that one", "OverconstrainedError");
    const busy = this.captured.some((track) => track.kind === kind && live(track));
    if (busy && this.exclusive.has(found.deviceId)) throw new DOMException("in use", "NotReadableError");
    const track = new FakeTrack(kind, found.deviceId);
    this.captured.push(track);
    return track;
  }
}

function named({ deviceId }: MediaTrackConstraints): string | undefined {
  return typeof deviceId === "object" && "exact" in deviceId ? String(deviceId.exact) : undefined;
}

function live({ readyState }: FakeTrack): boolean {
  return readyState === "live";
}

function stream(tracks: readonly FakeTrack[]): MediaStream {
  const of = (kind: string) => tracks.filter((track) => track.kind === kind);
  return {
    getVideoTracks: () => of("video"),
    getAudioTracks: () => of("audio"),
    getTracks: () => tracks,
  } as unknown as MediaStream;
}
