/** NexusVibe in a browser: `new Room(servers)`, `join`, `publish`, and listen. */

export { ConnectionLost, type Loss, NexusVibeError, NotInRoom, ServerError } from "./errors.ts";
export type {
  ChatMessage,
  Participant,
  Permissions,
  Policy,
  SimulcastLayer,
  Track,
  TrackKind,
  TrackSource,
  Waiting,
} from "./generated/protocol.ts";
export type { LocalTrack } from "./local-track.ts";
export type { Wish } from "./demand.ts";
export type { QualityReason, QualityReport, Rating, TrackQuality, UplinkQuality } from "./quality.ts";
export type { WantedTrack } from "./reception.ts";
export type { RemoteTrack } from "./remote-tracks.ts";
export { type JoinOptions, Room } from "./room.ts";
export type { RoomConnection, RoomEvents } from "./room-events.ts";
export type { PermissionChanges } from "./room-requests.ts";
export type { RoomState } from "./state.ts";
export type { InboundStats, TrackStats } from "./stats.ts";
