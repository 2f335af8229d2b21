import { lower, type Wish } from "./demand.ts";

/** How one picture that flows has fared since the last look: shares from 0 to 1. */
export interface Fare {
  readonly loss: number;
  readonly frozen: number;
}

/** A picture on the screen: what it is wanted in, and how high it is. */
export interface Shown {
  readonly track: string;
  readonly wish: Wish;
  readonly height: number;
}

/**
 * What may be received when the way to this client is too narrow, from all to least: the largest picture, and the
 * others. The others give way first; sound is not in here because it never gives way.
 */
const CEILINGS: readonly { readonly largest: Wish; readonly others: Wish }[] = [
  { largest: "high", others: "high" },
  { largest: "high", others: "medium" },
  { largest: "high", others: "low" },
  { largest: "medium", others: "low" },
  { largest: "low", others: "low" },
  { largest: "low", others: "paused" },
];

/** What is received at most while data are saved. */
export const SAVING_LEVEL = 3;

const BAD_LOSS = 0.08;
const BAD_FREEZE = 0.25;
/** A picture that stands still without any loss does so at its sender. */
const SOME_LOSS = 0.01;
/** So many looks in a row must be bad. One is, when a layer is switched or somebody walks past the access point. */
const BAD_LOOKS = 2;
/** How long all must be well before more is tried, in ms; twice as long each time that more turns out to be too much. */
const FIRST_PATIENCE = 16_000;
const LAST_PATIENCE = 128_000;

/** The wishes that a level leaves, by track. */
export function limited(shown: readonly Shown[], level: number): ReadonlyMap<string, Wish> {
  const ceiling = CEILINGS[level] ?? { largest: "low", others: "paused" };
  const largest = shown.reduce<Shown | null>(
    (best, one) => (one.height > (best?.height ?? 0) ? one : best),
    null,
  );
  return new Map(
    shown.map((one) => [one.track, lower(one.wish, one === largest ? ceiling.largest : ceiling.others)]),
  );
}

/** Decides how much less to receive while pictures suffer. Knows no clock: whoever asks brings the time in ms. */
export class Congestion {
  private currentLevel = 0;
  private badLooks = 0;
  private calmSince: number | null = null;
  private patience = FIRST_PATIENCE;
  private onTrial = false;

  /** 0 to 5: how far down in the table of ceilings. */
  get level(): number {
    return this.currentLevel;
  }

  /**
   * Takes in how the pictures fared that flow now. One sender's bad network makes one picture suffer; it is this
   * client's way when at least half do.
   */
  look(fares: readonly Fare[], shown: readonly Shown[], now: number): void {
    const bad = fares.filter(suffers).length;
    if (bad > 0 && 2 * bad >= fares.length) {
      this.calmSince = null;
      if (++this.badLooks >= BAD_LOOKS) this.worsen(shown);
      return;
    }
    this.badLooks = 0;
    this.calmSince ??= now;
    if (now - this.calmSince >= this.patience) this.restore(shown, now);
  }

  private worsen(shown: readonly Shown[]): void {
    this.badLooks = 0;
    if (this.onTrial) this.patience = Math.min(2 * this.patience, LAST_PATIENCE);
    this.onTrial = false;
    this.currentLevel = this.next(shown, 1) ?? this.currentLevel;
  }

  private restore(shown: readonly Shown[], now: number): void {
    if (this.onTrial) this.patience = FIRST_PATIENCE; // the step before this one held
    this.onTrial = this.currentLevel > 0;
    this.calmSince = now;
    this.currentLevel = this.next(shown, -1) ?? 0;
  }

  /** The nearest level in that direction which changes something for these pictures. */
  private next(shown: readonly Shown[], step: 1 | -1): number | null {
    const now = limited(shown, this.currentLevel);
    for (let level = this.currentLevel + step; level >= 0 && level < CEILINGS.length; level += step) {
      const then = limited(shown, level);
      if ([...then].some(([track, wish]) => now.get(track) !== wish)) return level;
    }
    return null;
  }
}

function suffers({ loss, frozen }: Fare): boolean {
  return loss >= BAD_LOSS || (frozen >= BAD_FREEZE && loss >= SOME_LOSS);
}
