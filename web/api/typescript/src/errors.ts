import type { Problem } from "./generated/models.ts";

/**
 * Everything that this package throws.
 *
 * NexusVibeError
 * ├── Unreachable   no answer came: the connection, TLS or the deadline failed; whether there was an effect is not known
 * └── Refused       the API said no: `code` is stable, `message` says it for people
 *
 * `code` is one of those at docs/protocol.md#errors, or `precondition_failed` (412: somebody has changed it since it
 * was read), `invalid_key`, `idempotency_key_reused`, …
 */
export class NexusVibeError extends Error {
  override readonly name: string = "NexusVibeError";
  readonly code: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;

  constructor(code: string, message: string, retryable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = retryable;
  }
}

export class Unreachable extends NexusVibeError {
  override readonly name = "Unreachable";

  constructor(url: string, cause: unknown) {
    super("unreachable", `${url} gave no answer.`, true, { cause });
  }
}

export class Refused extends NexusVibeError {
  override readonly name = "Refused";
  readonly status: number;
  /** How long the server wants to be left alone, in ms; null when it did not say. */
  readonly retryAfterMs: number | null;
  /** Leads to the request in the server's logs. */
  readonly requestId: string;

  constructor(problem: Problem, requestId: string) {
    super(problem.code, problem.detail, problem.retryable);
    this.status = problem.status;
    this.retryAfterMs = problem.retry_after_ms ?? null;
    this.requestId = requestId;
  }
}
