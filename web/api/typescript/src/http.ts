import { type NexusVibeError, Refused, Unreachable } from "./errors.ts";
import type { Problem } from "./generated/models.ts";

const ATTEMPTS = 3;
const LONGEST_WAIT_MS = 5000;

/** Something as it was when it was read. Give it back with a change, which is then refused if somebody was quicker. */
export interface Seen<T> {
  readonly value: T;
  readonly etag: string;
}

/** In place of what was read before: change it, whatever it is now. */
export const ANYWAY = "*";

/** One idempotency key for several calls is one effect; left out, each call gets its own. */
export interface Once {
  readonly idempotencyKey?: string;
}

export interface Options {
  /** How long an answer may take, in ms. */
  readonly timeoutMs?: number;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch;
}

type Headers = Record<string, string>;

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly headers?: Headers;
  /** Sent twice it has the effect of once, so that a lost answer may be asked for again. */
  readonly repeatable?: boolean;
}

export type Path = readonly string[];
export type Query = Readonly<Record<string, string | null | undefined>>;
type Page<T> = Record<string, T[]> & { next: string | null };

export class Http {
  private readonly url: string;
  private readonly key: string;
  private readonly timeoutMs: number;
  private readonly fetch: typeof fetch;

  constructor(url: string, key: string, options: Options) {
    this.url = url.replace(/\/+$/, "");
    this.key = key;
    this.timeoutMs = options.timeoutMs ?? 10_000;
    this.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  async get<T>(path: Path, query: Query = {}): Promise<T> {
    const call = { method: "GET", path: join(path, query), repeatable: true };
    return (await (await this.send(call)).json()) as T;
  }

  /** With `known`, that again if it is still so. */
  async read<T>(path: Path, known?: Seen<T>): Promise<Seen<T>> {
    const headers: Headers = known ? { "If-None-Match": known.etag } : {};
    const response = await this.send({ method: "GET", path: join(path), headers, repeatable: true });
    return known && response.status === 304 ? known : seen<T>(response);
  }

  async *pages<T>(path: Path, name: string, query: Query = {}): AsyncGenerator<T> {
    let after: string | null = null;
    do {
      const page: Page<T> = await this.get(path, { ...query, limit: "100", after });
      yield* page[name] ?? [];
      after = page.next;
    } while (after !== null);
  }

  /** Makes something, once. */
  async make<T>(path: Path, body: object, { idempotencyKey }: Once): Promise<T> {
    const headers = { "Idempotency-Key": idempotencyKey ?? crypto.randomUUID() };
    const call = { method: "POST", path: join(path), body, headers, repeatable: true };
    return (await (await this.send(call)).json()) as T;
  }

  async change<T>(path: Path, before: Seen<T> | typeof ANYWAY, body: object): Promise<Seen<T>> {
    const headers = { "If-Match": before === ANYWAY ? ANYWAY : before.etag };
    return seen<T>(await this.send({ method: "PATCH", path: join(path), body, headers }));
  }

  async act(method: "POST" | "DELETE", path: Path, body?: object): Promise<void> {
    await this.send({ method, path: join(path), ...(body && { body }) });
  }

  private async send(call: Call): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.sendOnce(call);
      } catch (error) {
        const pause = pauseAfter(error as NexusVibeError, attempt, call.repeatable ?? false);
        if (pause === null) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  private async sendOnce({ method, path, body, headers }: Call): Promise<Response> {
    const init: RequestInit = {
      method,
      headers: {
        Authorization: `Bearer ${this.key}`,
        ...(body && { "Content-Type": "application/json" }),
        ...headers,
      },
      signal: AbortSignal.timeout(this.timeoutMs),
      ...(body && { body: JSON.stringify(body) }),
    };
    let response: Response;
    try {
      response = await this.fetch(`${this.url}${path}`, init);
    } catch (error) {
      throw new Unreachable(this.url, error);
    }
    if (response.status < 400) return response;
    throw new Refused(await problemOf(response), response.headers.get("X-Request-Id") ?? "");
  }
}

function join(path: Path, query: Query = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value != null) given.set(name, value);
  const asked = given.toString();
  return `/v1/${path.map(encodeURIComponent).join("/")}${asked && `?${asked}`}`;
}

async function seen<T>(response: Response): Promise<Seen<T>> {
  return { value: (await response.json()) as T, etag: response.headers.get("ETag") ?? "" };
}

function pauseAfter(error: NexusVibeError, attempt: number, repeatable: boolean): number | null {
  if (!repeatable || !error.retryable || attempt >= ATTEMPTS) return null;
  const wanted = error instanceof Refused ? error.retryAfterMs : null;
  if (wanted !== null) return wanted <= LONGEST_WAIT_MS ? wanted : null;
  return 100 * 4 ** (attempt - 1);
}

/** What the API says; of something in between, such as a proxy, what its status says. */
async function problemOf(response: Response): Promise<Problem> {
  if (response.headers.get("Content-Type")?.startsWith("application/problem+json") === true) {
    return (await response.json()) as Problem;
  }
  const { status, statusText: title } = response;
  const retryable = [502, 503, 504].includes(status);
  return { title, status, code: "not_from_the_api", retryable, detail: `${title} (${status})` };
}
