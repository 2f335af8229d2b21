/**
 * How loud a track is now, for a meter before one joins. `audioLevel` of the room needs none of this.
 * Until the page was clicked, browsers may keep it at 0.
 */
export class LevelMeter {
  private readonly context = new AudioContext();
  private readonly analyser: AnalyserNode;
  private readonly samples: Float32Array<ArrayBuffer>;

  constructor(mediaTrack: MediaStreamTrack) {
    this.analyser = new AnalyserNode(this.context, { fftSize: 1024 });
    this.samples = new Float32Array(this.analyser.fftSize);
    this.context.createMediaStreamSource(new MediaStream([mediaTrack])).connect(this.analyser);
  }

  /** From 0 to 1, over the last 20 ms. */
  get level(): number {
    if (this.context.state === "suspended" && navigator.userActivation.isActive) void this.context.resume();
    this.analyser.getFloatTimeDomainData(this.samples);
    return Math.sqrt(this.samples.reduce((sum, sample) => sum + sample * sample, 0) / this.samples.length);
  }

  close(): void {
    void this.context.close();
  }
}
