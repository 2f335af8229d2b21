import { expect, test, vi } from "vitest";
import { Deadline, deferred, Latest, Pause, retryDelay, Serial, wait } from "../src/timing.ts";

test("the first retry comes at once and the later ones with growing pauses", () => {
  const middle = () => 0.5;
  const delays = [0, 1, 2, 3, 4, 5, 6, 100].map((attempt) => retryDelay(attempt, middle));
  expect(delays).toEqual([0, 300, 1200, 2700, 4800, 7000, 7000, 7000]);
});

test("jitter spreads a crowd over a fifth either way, and never delays the first retry", () => {
  expect([0, 1].map((dice) => retryDelay(5, () => dice))).toEqual([5600, 8400]);
  expect(retryDelay(0, () => 1)).toBe(0);
});

test("a wait ends when its signal is aborted", async () => {
  const stop = new AbortController();
  const waiting = wait(1_000_000, stop.signal);
  stop.abort();
  await waiting;
  await wait(1_000_000, stop.signal);
});

test("serial tasks run one after another, also after one has failed", async () => {
  const serial = new Serial();
  const gate = deferred<undefined>();
  const order: string[] = [];
  const first = serial.run(async () => {
    await gate.promise;
    order.push("first");
    throw new Error("no");
  });
  const second = serial.run(() => Promise.resolve(order.push("second")));
  gate.resolve(undefined);
  await expect(first).rejects.toThrow("no");
  await second;
  expect(order).toEqual(["first", "second"]);
});

test("of the values set while one is being sent only the newest follows", async () => {
  const sent: number[] = [];
  const gate = deferred<undefined>();
  const last = deferred<undefined>();
  const latest = new Latest<number>(
    async (value) => {
      sent.push(value);
      if (value === 1) await gate.promise;
      if (value === 4) last.resolve(undefined);
    },
    () => undefined,
  );
  for (const value of [1, 2, 3, 4]) latest.push(value);
  gate.resolve(undefined);
  await last.promise;
  expect(sent).toEqual([1, 4]);
});

test("a value that could not be sent does not keep the next one back", async () => {
  const failures: unknown[] = [];
  const sent = deferred<number>();
  const latest = new Latest<number>(
    async (value) => {
      if (value === 1) throw new Error("refused");
      sent.resolve(value);
      return Promise.resolve();
    },
    (error) => failures.push(error),
  );
  latest.push(1);
  latest.push(2);
  expect(await sent.promise).toBe(2);
  expect(failures).toHaveLength(1);
});

test("a pause ends for all who wait when there is a reason not to wait any longer", async () => {
  const pause = new Pause();
  const stop = new AbortController();
  const waiting = [pause.wait(1_000_000, stop.signal), pause.wait(1_000_000, stop.signal)];
  pause.end();
  await Promise.all(waiting);
  const again = pause.wait(1_000_000, stop.signal);
  stop.abort();
  await again;
});

test("a deadline that comes late because the page slept leaves the answer some more time", () => {
  vi.useFakeTimers();
  try {
    let over = 0;
    const awake = new Deadline(5000, () => over++);
    vi.advanceTimersByTime(5000);
    expect(over).toBe(1);
    awake.cancel();
    const asleep = new Deadline(5000, () => over++);
    vi.setSystemTime(Date.now() + 60_000);
    vi.advanceTimersByTime(9999);
    expect(over).toBe(1);
    vi.advanceTimersByTime(1);
    expect(over).toBe(2);
    asleep.cancel();
  } finally {
    vi.useRealTimers();
  }
});
