import type { ErrorMessage } from "./generated/protocol.ts";
import { remedyFor } from "./remedies.ts";

/**
 * Everything that this SDK throws or reports.
 *
 * NexusVibeError
 * ├── ServerError      the server refused: `code` is one of `SERVER_ERROR_CODES` (`room_full`, `expired_token`, …)
 * ├── ConnectionLost   the websocket closed before the answer came, or could not be opened
 * ├── NotInRoom        the room was left, or has ended
 * ├── NotAllowedHere   this participant's permissions do not allow it; the server was not asked
 * └── DeviceError      a camera, microphone, screen or speaker can't be had: `device` says which, `code` why
 *
 * `code` is stable, `message` is a sentence for people.
 */
export class NexusVibeError extends Error {
  override readonly name: string = "NexusVibeError";

  constructor(
    readonly code: string,
    message: string,
    /** Whether the same call may succeed later. */
    readonly retryable: boolean,
  ) {
    super(message);
  }

  /** What the person can do about it, as a sentence; empty where that is nothing. */
  get remedy(): string {
    return remedyFor(this.code);
  }
}

/** Every code of docs/protocol.md. */
export const SERVER_ERROR_CODES = [
  "invalid_request",
  "too_large",
  "rate_limited",
  "unknown_type",
  "not_allowed",
  "kicked",
  "banned",
  "invalid_token",
  "expired_token",
  "resume_refused",
  "not_found",
  "conflict",
  "room_closed",
  "room_full",
  "room_locked",
  "lobby_full",
  "stale_message",
  "invalid_description",
  "no_capacity",
  "not_supported",
  "media_unavailable",
  "issuer_unreachable",
  "unavailable",
  "internal",
] as const;

export type ServerErrorCode = (typeof SERVER_ERROR_CODES)[number];

export class ServerError extends NexusVibeError {
  override readonly name = "ServerError";
  declare readonly code: ServerErrorCode;
  /** How long the server wants to be left alone, in ms; null when it did not say. */
  readonly retryAfterMs: number | null;

  constructor(message: ErrorMessage) {
    super(message.code, message.message, message.retryable);
    this.retryAfterMs = message.retry_after_ms ?? null;
  }
}

/** Why a connection is over. `final`: this session may not be resumed. */
export interface Loss {
  readonly reason: string;
  readonly message: string;
  readonly final: boolean;
}

export class ConnectionLost extends NexusVibeError {
  override readonly name = "ConnectionLost";

  constructor(readonly loss: Loss) {
    super(loss.reason, loss.message, !loss.final);
  }
}

export class NotInRoom extends NexusVibeError {
  override readonly name = "NotInRoom";

  constructor() {
    super("not_in_room", "You are not in the room.", false);
  }
}

export class NotAllowedHere extends NexusVibeError {
  override readonly name = "NotAllowedHere";

  constructor(what: string) {
    super("not_allowed", `You may not ${what} here.`, false);
  }
}

export type DeviceName = "camera" | "microphone" | "screen" | "speaker";

/**
 * `device_denied`: the person, or the browser for them, has blocked it for this site. `device_denied_by_system`: the
 * operating system keeps it from the browser. `device_in_use`: another program has it. `device_unsuitable`: none meets
 * the constraints. `device_unsupported`: the page is not secure (https), or the browser can't. `screen_cancelled`: no
 * screen was chosen, which is nobody's fault.
 */
export type DeviceErrorCode =
  | "device_denied"
  | "device_denied_by_system"
  | "device_not_found"
  | "device_in_use"
  | "device_unsuitable"
  | "device_unsupported"
  | "screen_cancelled"
  | "device_failed";

const DEVICE_PROBLEMS: Record<DeviceErrorCode, (device: DeviceName) => string> = {
  device_denied: (device) => `This page may not use the ${device}.`,
  device_denied_by_system: (device) => `The operating system does not let the browser use the ${device}.`,
  device_not_found: (device) => `No ${device} was found.`,
  device_in_use: (device) => `The ${device} is in use elsewhere.`,
  device_unsuitable: (device) => `This ${device} can't do what was asked for, or is gone.`,
  device_unsupported: (device) => `The ${device} can't be used in this browser, or not on this page.`,
  screen_cancelled: () => "Nothing was chosen to be shared.",
  device_failed: (device) => `The ${device} does not work.`,
};

export class DeviceError extends NexusVibeError {
  override readonly name = "DeviceError";
  declare readonly code: DeviceErrorCode;

  constructor(
    code: DeviceErrorCode,
    readonly device: DeviceName,
    /** What the browser threw. */
    override readonly cause?: unknown,
  ) {
    super(code, DEVICE_PROBLEMS[code](device), code !== "device_unsupported");
  }
}

/** What a browser throws when it is asked for a device (Media Capture and Streams, Screen Capture). */
export function asDeviceError(error: unknown, device: DeviceName): DeviceError {
  return error instanceof DeviceError ? error : new DeviceError(codeOf(error, device), device, error);
}

function codeOf(error: unknown, device: DeviceName): DeviceErrorCode {
  if (!(error instanceof Error)) return "device_failed";
  switch (error.name) {
    case "NotAllowedError":
      if (/system/i.test(error.message)) return "device_denied_by_system"; // Chromium tells no other way
      return device === "screen" ? "screen_cancelled" : "device_denied";
    case "NotFoundError":
      return "device_not_found";
    case "NotReadableError":
    case "AbortError":
      return "device_in_use";
    case "OverconstrainedError":
      return "device_unsuitable";
    case "SecurityError":
    case "NotSupportedError":
      return "device_unsupported";
    default:
      return "device_failed";
  }
}

/** Any thrown value as one of ours: what a browser throws becomes `media_error`. */
export function asNexusVibeError(error: unknown): NexusVibeError {
  if (error instanceof NexusVibeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new NexusVibeError("media_error", message, false);
}
