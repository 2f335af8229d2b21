// mediasoup's workers, one per core, each with its own port, kept running.

import { availableParallelism } from "node:os";
import { resolve } from "node:path";

import * as mediasoup from "mediasoup";
import type { types } from "mediasoup";

import { Refusal } from "./errors.ts";
import { listen } from "./listening.ts";
import type { Census } from "./protocol.ts";
import type { Settings } from "./settings.ts";

const CHECK_EVERY_MS = 2000;
const ANSWER_WITHIN_MS = 5000;
const RESTART_AFTER_MS = 500;

/** A worker in use. `streams` counts what it receives and sends, which is what costs. */
export class Core {
  readonly worker: types.Worker;
  readonly server: types.WebRtcServer;
  readonly routers = new Set<types.Router>();
  readonly producers = new Set<types.Producer>();
  streams = 0;

  constructor(worker: types.Worker, server: types.WebRtcServer) {
    this.worker = worker;
    this.server = server;
    worker.observer.on("newrouter", (router) => {
      this.routers.add(router);
      router.observer.once("close", () => this.routers.delete(router));
      router.observer.on("newtransport", ({ observer }) =>
        observer.on("newproducer", (one) => this.#know(one)),
      );
    });
  }

  #know(producer: types.Producer): void {
    this.producers.add(producer);
    producer.observer.once("close", () => this.producers.delete(producer));
  }

  /** Counts a producer or consumer for as long as it lives. */
  carry({ observer }: { observer: { once(event: "close", listener: () => void): unknown } }): void {
    this.streams += 1;
    observer.once("close", () => (this.streams -= 1));
  }
}

export class Workers {
  /** Called when a worker is dead, before another takes its place. */
  onDeath: (core: Core) => void = () => undefined;
  readonly #settings: Settings;
  readonly #cores: (Core | null)[] = [];
  #closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async start(): Promise<void> {
    const count = this.#settings.workers || availableParallelism();
    for (let index = 0; index < count; index += 1) this.#cores.push(await this.#open(index));
    setInterval(() => this.#check(), CHECK_EVERY_MS).unref();
  }

  get cores(): Core[] {
    return this.#cores.filter((core) => core !== null);
  }

  /** The one with least to do, of those not in `besides`; null if there is none. */
  idlest(besides: ReadonlySet<Core> = new Set()): Core | null {
    const others = this.cores.filter((core) => !besides.has(core));
    return others.sort((a, b) => a.streams - b.streams || a.routers.size - b.routers.size)[0] ?? null;
  }

  /** The one with least to do. Raises a refusal while every worker is being started again. */
  any(): Core {
    const core = this.idlest();
    if (core === null) throw new Refusal("node_busy", "The media workers are being started again.");
    return core;
  }

  dump(): Promise<Census[]> {
    return Promise.all(this.cores.map((core) => census(core)));
  }

  close(): void {
    this.#closed = true;
    for (const core of this.cores) core.worker.close();
  }

  async #open(index: number): Promise<Core> {
    const worker = await mediasoup.createWorker({
      workerBin: resolve(this.#settings.worker),
      logLevel: "none",
      disableLiburing: true,
    } as types.WorkerSettings);
    try {
      const core = new Core(worker, await listen(worker, this.#settings, index));
      worker.on("died", () => this.#died(index, core));
      return core;
    } catch (error) {
      worker.close();
      throw error;
    }
  }

  #died(index: number, core: Core): void {
    this.#cores[index] = null;
    this.onDeath(core);
    this.#restart(index);
  }

  /** Until it works: a worker that can't be started is no reason to end the calls on the others. */
  #restart(index: number): void {
    if (this.#closed) return;
    this.#open(index).then(
      (core) => {
        if (this.#closed) core.worker.close();
        else this.#cores[index] = core;
      },
      () => setTimeout(() => this.#restart(index), RESTART_AFTER_MS),
    );
  }

  /** A worker that does not answer carries no media either: better dead, so that its rooms move. */
  #check(): void {
    for (const { worker } of this.cores) {
      const late = setTimeout(() => process.kill(worker.pid, "SIGKILL"), ANSWER_WITHIN_MS);
      worker.observer.once("close", () => clearTimeout(late));
      worker.getResourceUsage().then(
        () => clearTimeout(late),
        () => undefined, // it died meanwhile, which is told by itself
      );
    }
  }
}

async function census({ worker, routers: known, producers }: Core): Promise<Census> {
  const { routerIds } = await worker.dump();
  const stats = await Promise.all([...producers].map(async (one) => [one.id, await bytesOf(one)] as const));
  const routers = await Promise.all([...known].map((router) => router.dump()));
  const sum = (count: (dump: types.RouterDump) => number) =>
    routers.reduce((total, dump) => total + count(dump), 0);
  return {
    pid: worker.pid,
    routers: routerIds.length,
    transports: sum((dump) => dump.transportIds.length),
    producers: sum((dump) => dump.mapProducerIdConsumerIds.length),
    consumers: sum((dump) => dump.mapConsumerIdProducerId.length),
    received: Object.fromEntries(stats),
  };
}

async function bytesOf(producer: types.Producer): Promise<number> {
  if (producer.closed) return 0;
  return (await producer.getStats()).reduce((total, stream) => total + stream.byteCount, 0);
}
