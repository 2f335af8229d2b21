import type { ErrorMessage } from "./generated/protocol.ts";

/**
 * Everything that this SDK throws or reports.
 *
 * NexusVibeError
 * ├── ServerError      the server refused: `code` is one of the protocol's (`room_full`, `expired_token`, …)
 * ├── ConnectionLost   the websocket closed before the answer came, or could not be opened
 * └── NotInRoom        the room was left, or has ended
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
}

export class ServerError extends NexusVibeError {
  override readonly name = "ServerError";
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

/** Any thrown value as one of ours: what a browser throws becomes `media_error`. */
export function asNexusVibeError(error: unknown): NexusVibeError {
  if (error instanceof NexusVibeError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new NexusVibeError("media_error", message, false);
}
