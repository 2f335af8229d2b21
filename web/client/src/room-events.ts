import type { NexusVibeError } from "./errors.ts";
import type {
  ChatMessage,
  LobbyLeft,
  Participant,
  ParticipantLeft,
  Policy,
  Track,
  Waiting,
} from "./generated/protocol.ts";
import type { LocalTrack } from "./local-track.ts";
import type { QualityReport } from "./quality-report.ts";
import type { RemoteTrack } from "./remote-tracks.ts";
import type { Speaker } from "./speaking.ts";
import type { TopicMessage } from "./state.ts";

/**
 * `waiting`: in the lobby, until a moderator lets this client in. `reconnecting`: the connection to the server is being
 * restored; media go on meanwhile.
 */
export type RoomConnection = "new" | "joining" | "waiting" | "connected" | "reconnecting" | "disconnected";

export interface RoomEvents {
  connectionChanged: [connection: RoomConnection];
  participantJoined: [participant: Participant];
  participantUpdated: [participant: Participant];
  participantLeft: [participant: Participant, reason: ParticipantLeft["reason"]];
  /** The last moderator has left, and the room's policy makes this participant one. */
  moderatorChanged: [participant: Participant];
  /** The room was locked, for instance, or unlocked. */
  policyChanged: [policy: Policy];
  /** For moderators: somebody waits in the lobby (`admit`, `deny`), or does not any more. */
  lobbyWaiting: [waiting: Waiting];
  lobbyLeft: [waiting: Waiting, reason: LobbyLeft["reason"]];
  /** A moderator has muted this track of ours. It sends nothing until it is unmuted here. */
  muted: [track: LocalTrack];
  /** A moderator has ended this track of ours: it is not published any more. */
  stopped: [track: LocalTrack];
  trackPublished: [track: Track];
  trackUpdated: [track: Track];
  trackEnded: [track: Track];
  /** Play `mediaTrack`. Said again with another `mediaTrack` when the call has moved. */
  trackSubscribed: [remote: RemoteTrack];
  trackUnsubscribed: [remote: RemoteTrack];
  chat: [message: ChatMessage];
  /** Somebody, maybe oneself, has sent what is kept nowhere, such as a reaction (`sendMessage`). */
  message: [message: TopicMessage];
  /** Who speaks is another, or in another order: at most five times a second. The loudest first. */
  speakersChanged: [speakers: readonly Speaker[]];
  /** The participant to show large: the last one who spoke. Null: whoever it was has left. */
  activeSpeakerChanged: [participant: string | null];
  /** The browser plays no sound before a click: call `startAudio` in the handler of one. False: it plays now. */
  soundBlocked: [blocked: boolean];
  /** How what is received and sent has fared: every two seconds. */
  quality: [report: QualityReport];
  /** Something failed that the call survives. */
  error: [error: NexusVibeError];
  /** The room is over for this client; `reason.code` says why (`left`, `replaced`, `expired_token`, …). */
  disconnected: [reason: { readonly code: string; readonly message: string }];
  /** What the room shows is another now, or one of `localTracks` is. Said after all of the above but `quality`. */
  changed: [];
}
