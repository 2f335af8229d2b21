/** When to try again, and how to wait for it. All times are in ms. */

const FIRST_DELAYS = [0, 300, 1200, 2700, 4800];
const STEADY_DELAY = 7000;
const JITTER = 0.2;

/** How long to wait before try number `attempt` (0 is the first). Jitter keeps a crowd from coming back at once. */
export function retryDelay(attempt: number, random: () => number = Math.random): number {
  const delay = FIRST_DELAYS[attempt] ?? STEADY_DELAY;
  return Math.round(delay * (1 + JITTER * (2 * random() - 1)));
}

/** Resolves after `delay` ms, or as soon as `signal` is aborted. */
export function wait(delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delay);
    signal?.addEventListener("abort", done);
  });
}

/** A pause that ends early when somebody has a reason to think that now is better. */
export class Pause {
  private readonly waiting = new Set<AbortController>();

  /** Resolves after `delay` ms, at the next `end`, or as soon as `signal` is aborted. */
  async wait(delay: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    this.waiting.add(ended);
    await wait(delay, AbortSignal.any([ended.signal, signal]));
    this.waiting.delete(ended);
  }

  end(): void {
    for (const ended of this.waiting) ended.abort();
  }
}

/** Runs tasks one after another, in the order in which they came. */
export class Serial {
  private tail: Promise<unknown> = Promise.resolve();

  run<Value>(task: () => Promise<Value>): Promise<Value> {
    const result = this.tail.then(task);
    this.tail = result.catch(() => undefined); // the caller of `run` sees the error; the next task does not
    return result;
  }
}

/**
 * Keeps the other side in step with a value that may change faster than it answers: one request at a time, and
 * the newest value wins.
 */
export class Latest<Value> {
  private next: { value: Value } | null = null;
  private sending = false;

  constructor(
    private readonly send: (value: Value) => Promise<unknown>,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Whether the other side has answered for the newest value. */
  get settled(): boolean {
    return !this.sending;
  }

  push(value: Value): void {
    this.next = { value };
    if (!this.sending) void this.drain();
  }

  private async drain(): Promise<void> {
    this.sending = true;
    try {
      while (this.next) {
        const { value } = this.next;
        this.next = null;
        await this.send(value).catch(this.failed);
      }
    } finally {
      this.sending = false;
    }
  }
}

/** So much later than it was set, a timer proves that this page slept: the answer may wait behind it. */
const SLEPT_MS = 1000;

/** Calls `over` after `delay` ms in which this page was awake. */
export class Deadline {
  private timer: ReturnType<typeof setTimeout>;

  constructor(delay: number, over: () => void) {
    const due = Date.now() + delay;
    this.timer = setTimeout(() => {
      if (Date.now() < due + SLEPT_MS) over();
      else this.timer = setTimeout(over, delay); // once more, and then it has had its chance
    }, delay);
  }

  cancel(): void {
    clearTimeout(this.timer);
  }
}

/** A promise and the function that resolves it. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

export function deferred<Value>(): Deferred<Value> {
  let resolve!: (value: Value) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
