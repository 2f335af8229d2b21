import type { QualityReason, Rating, RoomConnection } from "@nexusvibe/client";

/** What the page says, in plain words. */

export const CONNECTION: Record<RoomConnection, string> = {
  new: "Not joined",
  joining: "Connecting…",
  waiting: "Waiting to be let in",
  connected: "Connected",
  reconnecting: "Reconnecting…",
  disconnected: "Disconnected",
};

export const NO_TOKEN = "This link holds no invitation. Ask the person who sent it for a new one.";
export const NO_NAME = "Please say how the others should see you.";
export const CHAT_FAILED = "Your message could not be sent. It is back in the box: try again.";
export const WAITING = "You are in the lobby. You will be in as soon as a moderator lets you in.";
export const MUTED = "A moderator has muted you. Turn it on again when you want to speak.";
export const STOPPED = "A moderator has ended what you were sending.";
export const MODERATOR_NOW = "The last moderator has left. You are the moderator now.";
export const SOUND_BLOCKED = "The browser keeps the sound off. Click anywhere to hear the others.";

export const RATING: Record<Rating, string> = { good: "good", fair: "fair", poor: "poor", paused: "paused" };
export const REASON: Record<QualityReason, string> = {
  loss: "packets get lost",
  freeze: "the picture stands still",
  framerate: "few pictures a second",
  gaps: "the sound has gaps",
  silence: "nothing arrives",
  bandwidth: "the network is slow",
  delay: "long delay",
  cpu: "this device is busy",
  hidden: "not on the screen",
  muted: "turned off",
  chosen: "not asked for",
};

const ENDINGS: Record<string, string> = {
  left: "You left the room. Join again whenever you like.",
  expired_token: "Your invitation has expired. Ask for a new link.",
  invalid_token:
    "This invitation is not valid here. Check that the whole link was copied, or ask for a new one.",
  room_full: "The room is full. Try again when somebody has left.",
  room_locked: "The room is locked: nobody new gets in now. Ask somebody inside to unlock it.",
  lobby_full: "Too many people wait for this room. Try again in a few minutes.",
  lobby_denied: "You were not let in. Ask the person who invited you.",
  lobby_timeout: "Nobody let you in for a long time. Try again when the others are there.",
  server_unreachable: "The server can't be reached. Check your connection, then try again.",
  connection_lost: "The connection was lost before you were in the room. Try again.",
  no_answer: "The server does not answer. Try again in a moment.",
  no_capacity: "All media servers are full at the moment. Try again in a minute.",
  media_unavailable: "No media server answers at the moment. Try again in a minute.",
  unavailable: "The service is having trouble. Try again in a minute.",
  replaced: "You joined from another tab or device, so this one has left.",
  superseded: "You go on in another tab or device, so this one has left.",
  removed: "You were removed from the room. To come back, ask for a new invitation.",
  room_closed: "The room was closed.",
  token_reused: "Your session was used twice, so it was ended to be safe. Join again.",
};

/** Why the room ended, or could not be joined. A code that we don't know comes with the server's own sentence. */
export function ending({ code, message }: { code: string; message: string }): string {
  return ENDINGS[code] ?? message;
}

/** Why there is no camera or microphone (Media Capture and Streams §10.2). */
export function captureFailure(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") {
    return "The browser does not let this page use your camera and microphone. You can still watch, listen and write; to be seen and heard, allow them and try again.";
  }
  if (name === "NotFoundError") {
    return "No camera or microphone was found. You can still watch, listen and write.";
  }
  if (name === "NotReadableError") {
    return "Your camera or microphone is in use by another program. You can still watch, listen and write.";
  }
  return "Your camera and microphone can't be used here. You can still watch, listen and write.";
}
