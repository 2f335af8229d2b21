import { type Speaker, Speaking } from "./speaking.ts";
import { wait } from "./timing.ts";

const EVERY_MS = 200;

export interface ListeningHandlers {
  /** Everybody's level now, from 0 to 1, by participant id. */
  levels(): Promise<ReadonlyMap<string, number>>;
  me(): string;
  speakers(speakers: readonly Speaker[]): void;
  active(participant: string | null): void;
  failed(error: unknown): void;
}

/** Listens who speaks, as long as the room lasts. */
export class Listening {
  private readonly speaking = new Speaking();
  private readonly ending = new AbortController();
  private begun = false;

  constructor(private readonly handlers: ListeningHandlers) {}

  get speakers(): readonly Speaker[] {
    return this.speaking.speakers;
  }

  get active(): string | null {
    return this.speaking.active;
  }

  level(participant: string): number {
    return this.speaking.level(participant);
  }

  /** From now on; again is a no-op. */
  begin(): void {
    if (this.begun) return;
    this.begun = true;
    void this.listen();
  }

  close(): void {
    this.ending.abort();
  }

  private async listen(): Promise<void> {
    const { signal } = this.ending;
    for (;;) {
      await wait(EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        this.look(await this.handlers.levels());
      } catch (error) {
        this.handlers.failed(error);
      }
    }
  }

  private look(levels: ReadonlyMap<string, number>): void {
    if (this.ending.signal.aborted) return;
    const { speakers, active } = this.speaking;
    this.speaking.look(levels, this.handlers.me(), performance.now());
    const names = (list: readonly Speaker[]) => list.map(({ participant }) => participant).join();
    if (names(speakers) !== names(this.speakers)) this.handlers.speakers(this.speakers);
    if (active !== this.active) this.handlers.active(this.active);
  }
}
