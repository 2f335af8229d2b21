/** NexusVibe in a browser: `new Room(servers)`, `join`, `publish`, and listen. */

export { ConnectionLost, type Loss, NexusVibeError, NotInRoom, ServerError } from "./errors.ts";
export type {
  ChatMessage,
  Participant,
  Permissions,
  SimulcastLayer,
  Track,
  TrackKind,
  TrackSource,
} from "./generated/protocol.ts";
export type { LocalTrack } from "./local-track.ts";
export type { RemoteTrack } from "./remote-tracks.ts";
export {
  type JoinOptions,
  type PermissionChanges,
  Room,
  type RoomConnection,
  type RoomEvents,
  type WantedTrack,
} from "./room.ts";
export type { RoomState } from "./state.ts";
export type { InboundStats, TrackStats } from "./stats.ts";
