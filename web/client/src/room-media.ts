import type { Outgoing } from "./connection.ts";
import type { Wish } from "./demand.ts";
import type { Participant, TrackSource } from "./generated/protocol.ts";
import { Listening } from "./listening.ts";
import type { LocalDevice } from "./local-device.ts";
import type { LocalTrack } from "./local-track.ts";
import { Media } from "./media.ts";
import { Publishing, type PublishOptions, type ScreenShare, type ScreenShareOptions } from "./publishing.ts";
import type { QualityReport } from "./quality-report.ts";
import { Reception, type WantedTrack } from "./reception.ts";
import type { RemoteTrack } from "./remote-tracks.ts";
import { RoomRequests } from "./room-requests.ts";
import { Sound } from "./sound.ts";
import type { Speaker } from "./speaking.ts";
import { EMPTY_ROOM, type RoomState } from "./state.ts";
import type { TrackStats } from "./stats.ts";
import type { TransportStats } from "./transport.ts";

export interface RoomOptions {
  /** Whether the SDK plays what others say. By default the page does, with each `mediaTrack` in an element of its own. */
  readonly playSound?: boolean;
  /** As `setDataSaver`. */
  readonly dataSaver?: boolean;
}

/** What goes through the media of a room: what is sent, what is received, and how both fare. */
export abstract class RoomMedia extends RoomRequests {
  protected readonly media: Media;
  protected readonly reception: Reception;
  protected readonly publishing: Publishing;
  protected readonly listening: Listening;
  protected roomState: RoomState = EMPTY_ROOM;
  protected participant: Participant | null = null;
  private readonly sound: Sound;
  private lastQuality: QualityReport | null = null;
  private savesData = false;

  protected constructor(private readonly options: RoomOptions) {
    super();
    const failed = (error: unknown) => this.report(error);
    this.sound = new Sound((blocked) => this.emit("soundBlocked", blocked), failed);
    this.reception = new Reception({
      room: () => this.roomState,
      mayReceive: () => this.participant?.permissions.subscribe ?? true,
      remoteTracks: () => this.remoteTracks,
      readings: async () => this.media.readings(),
      subscribe: async (message) => this.deliver(message),
      quality: (report) => this.fared(report),
      failed,
    });
    this.media = this.makeMedia(failed);
    this.publishing = this.makePublishing(failed);
    this.listening = new Listening({
      levels: async () => this.media.levels(),
      me: () => this.participant?.id ?? "",
      speakers: (speakers) => this.emit("speakersChanged", speakers),
      active: (participant) => this.emit("activeSpeakerChanged", participant),
      failed,
    });
    this.setDataSaver(options.dataSaver ?? false);
  }

  get state(): RoomState {
    return this.roomState;
  }

  /** This client's own participant, null before the room is joined. */
  get me(): Participant | null {
    return this.participant;
  }

  get localTracks(): readonly LocalTrack[] {
    return this.publishing.tracks;
  }

  localTrack(source: TrackSource): LocalTrack | undefined {
    return this.localTracks.find((track) => track.source === source);
  }

  /** What is received now, by track id. */
  get remoteTracks(): ReadonlyMap<string, RemoteTrack> {
    return this.media.remoteTracks;
  }

  /** What this client shares of its screen now. */
  get screenShare(): ScreenShare | null {
    return this.publishing.screenShare;
  }

  /** Who speaks now, the loudest first, oneself too. */
  get speakers(): readonly Speaker[] {
    return this.listening.speakers;
  }

  /** The participant who spoke last, never oneself; null before anybody did. */
  get activeSpeaker(): string | null {
    return this.listening.active;
  }

  /** How loud a participant is now, oneself too: from 0 to 1. */
  audioLevel(participant: string): number {
    return this.listening.level(participant);
  }

  /** The latest report; null before the first. */
  get quality(): QualityReport | null {
    return this.lastQuality;
  }

  get dataSaver(): boolean {
    return this.savesData;
  }

  /** Whether the browser wants a click before it plays sound: then call `startAudio` in the handler of one. */
  get soundBlocked(): boolean {
    return this.sound.blocked;
  }

  /**
   * Sends a track from now on, also in every place that the call moves to, until it ends. May be called before `join`. A
   * source that this participant may not publish is sent as soon as it may.
   */
  publish(mediaTrack: MediaStreamTrack, source: TrackSource, options: PublishOptions = {}): LocalTrack {
    return this.publishing.publish(mediaTrack, source, options);
  }

  /** As `publish`, of a camera or microphone that `Devices` has opened: when it is switched, what is sent is too. */
  publishDevice(device: LocalDevice, options: PublishOptions = {}): LocalTrack {
    return this.publishing.publishDevice(device, options);
  }

  /** Sends another track in the place of the one that is sent. Nothing is negotiated, and nobody sees a gap. */
  replaceTrack(track: LocalTrack, mediaTrack: MediaStreamTrack): void {
    this.publishing.replace(track, mediaTrack);
  }

  /** Stops sending a track. A track that is not sent is a no-op. */
  unpublish(track: LocalTrack): void {
    this.publishing.unpublish(track);
  }

  /** Nothing of a muted track leaves this machine; the others are told that it is muted. */
  setMuted(track: LocalTrack, muted: boolean): void {
    this.publishing.setMuted(track, muted);
  }

  /**
   * Asks the person what to share and shares it, until `stop` or until they press the browser's own button. One at a time:
   * a second one ends the first. Works in the handler of a click. Rejects with `DeviceError` and `NotAllowedHere`.
   */
  async shareScreen(options: ScreenShareOptions = {}): Promise<ScreenShare> {
    return this.publishing.shareScreen(options);
  }

  /** The whole set of tracks to receive; null, as at first, means every track in the room. */
  setWanted(tracks: readonly WantedTrack[] | null): void {
    this.reception.setWanted(tracks);
  }

  /**
   * Says that `element` shows the picture of this track, until the returned function is called: its size decides the
   * layer that is asked for, and out of sight the picture is paused. Sound is never paused.
   */
  attach(track: string, element: Element): () => void {
    return this.reception.attach(track, element);
  }

  /** What to receive of this track, whatever is shown and whatever the network bears; null: that decides again. */
  setLayer(track: string, wish: Wish | null): void {
    this.reception.setLayer(track, wish);
  }

  /**
   * For who pays for what is transferred: at most the largest picture is received in a medium size and the others small,
   * and pictures are sent in half the size and with at most 15 frames a second (a screen in full size, with 5).
   */
  setDataSaver(on: boolean): void {
    if (on === this.savesData) return;
    this.savesData = on;
    this.reception.saveData(on);
    this.media.saveData(on);
    this.emit("changed");
  }

  /** Plays the sound that the browser has blocked. Works in the handler of a click or a key. */
  async startAudio(): Promise<void> {
    await this.sound.start();
  }

  /** Where sound that the SDK plays comes out. Rejects with `DeviceError` where browsers don't let pages choose. */
  async setSpeaker(deviceId: string): Promise<void> {
    await this.sound.setSpeaker(deviceId);
  }

  /** How loud the SDK plays what comes from this participant: from 0 to 1. */
  setVolume(participant: string, volume: number): void {
    this.sound.setVolume(participant, volume);
  }

  /** Counters of each subscribed track; compare two readings. */
  async stats(): Promise<TrackStats[]> {
    return this.media.stats();
  }

  /** How the connections that carry the media reach the server. */
  async transports(): Promise<TransportStats[]> {
    return this.media.transports();
  }

  /** To whoever listens for `error`, unless the room is over. */
  protected abstract report(error: unknown): void;

  /** Without waiting for anything; lost when there is no connection. */
  protected abstract trickle(message: Outgoing): void;

  protected endMedia(): void {
    this.listening.close();
    this.reception.close();
    this.publishing.close();
    this.media.close();
    this.sound.close();
  }

  private makeMedia(failed: (error: unknown) => void): Media {
    return new Media({
      describe: async (message) => this.request(message),
      trickle: (message) => this.trickle(message),
      askRestart: async (message) => this.deliver(message),
      failed,
      room: () => this.roomState,
      me: () => this.participant?.id ?? "",
      expects: (id) => this.reception.expects(id),
      subscribed: (remote) => this.received(remote),
      unsubscribed: (remote) => this.receivedNoMore(remote),
      ready: (epoch) => void this.deliver({ type: "ready", epoch }).catch(failed),
    });
  }

  private makePublishing(failed: (error: unknown) => void): Publishing {
    return new Publishing({
      me: () => this.participant,
      announced: (track) => this.roomState.tracks.has(track),
      send: (tracks) => this.media.setLocalTracks(tracks),
      altered: () => this.media.altered(),
      announceMute: async (track, muted) => this.deliver({ type: "track.update", track, muted }),
      muted: (track) => this.emit("muted", track),
      stopped: (track) => this.emit("stopped", track),
      changed: () => this.emit("changed"),
      failed,
    });
  }

  private received(remote: RemoteTrack): void {
    if (this.options.playSound) this.sound.add(remote);
    this.emit("trackSubscribed", remote);
    this.emit("changed");
  }

  private receivedNoMore(remote: RemoteTrack): void {
    this.sound.remove(remote);
    this.emit("trackUnsubscribed", remote);
    this.emit("changed");
  }

  private fared(report: QualityReport): void {
    this.lastQuality = report;
    this.emit("quality", report);
  }
}
