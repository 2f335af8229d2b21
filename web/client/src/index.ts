/** NexusVibe in a browser: `new Room(servers)`, `join`, `publish`, and listen. */

export type { CaptureConstraints, DeviceKind, DeviceList } from "./capture.ts";
export { type DeviceEvents, Devices, type SwitchReason } from "./devices.ts";
export {
  ConnectionLost,
  DeviceError,
  type DeviceErrorCode,
  type DeviceName,
  type Loss,
  NexusVibeError,
  NotAllowedHere,
  NotInRoom,
  SERVER_ERROR_CODES,
  ServerError,
  type ServerErrorCode,
} from "./errors.ts";
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
export { LevelMeter } from "./level-meter.ts";
export type { LocalDevice, LocalDeviceEvents } from "./local-device.ts";
export type { LocalTrack } from "./local-track.ts";
export type { Wish } from "./demand.ts";
export type { PublishOptions, ScreenShare, ScreenShareOptions } from "./publishing.ts";
export type { QualityReason, Rating, TrackQuality, UplinkQuality } from "./quality.ts";
export type { OverallQuality, QualityReport } from "./quality-report.ts";
export type { WantedTrack } from "./reception.ts";
export type { RemoteTrack } from "./remote-tracks.ts";
export { type JoinOptions, Room } from "./room.ts";
export type { RoomConnection, RoomEvents } from "./room-events.ts";
export type { RoomOptions } from "./room-media.ts";
export type { PermissionChanges } from "./room-requests.ts";
export type { Speaker } from "./speaking.ts";
export type { RoomState, TopicMessage } from "./state.ts";
export type { InboundStats, TrackStats } from "./stats.ts";
export type { TransportStats } from "./transport.ts";
