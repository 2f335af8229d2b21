/** Somebody who speaks now. */
export interface Speaker {
  readonly participant: string;
  /** From 0 to 1, calmed. */
  readonly level: number;
}

/** Speech is louder than this, and pauses between words are quieter for less than `PAUSE_MS`. */
const SPEECH = 0.02;
const PAUSE_MS = 800;
/** How fast a level sinks from one look to the next: words have gaps, and meters should not flicker. */
const DECAY = 0.7;
/** Who interrupts is the active speaker once they were this much louder for so long. */
const LOUDER = 1.5;
const INTERRUPTION_MS = 600;

interface Known {
  level: number;
  spokeAt: number | null;
}

/** Decides from levels who speaks. Knows no clock: whoever asks brings the time in ms. */
export class Speaking {
  private readonly known = new Map<string, Known>();
  private order: readonly Speaker[] = [];
  private current: string | null = null;
  private challenger: { readonly participant: string; readonly since: number } | null = null;

  /** The loudest first. */
  get speakers(): readonly Speaker[] {
    return this.order;
  }

  /** Who is to be shown large: the last one who spoke, until somebody else does. */
  get active(): string | null {
    return this.current;
  }

  level(participant: string): number {
    return this.known.get(participant)?.level ?? 0;
  }

  /** Takes in everybody's level, from 0 to 1, at `now`; `me` is never the active speaker. */
  look(levels: ReadonlyMap<string, number>, me: string, now: number): void {
    for (const participant of this.known.keys()) if (!levels.has(participant)) this.known.delete(participant);
    for (const [participant, level] of levels) this.hear(participant, level, now);
    this.order = [...this.known]
      .filter(([, { spokeAt }]) => spokeAt !== null && now - spokeAt < PAUSE_MS)
      .map(([participant, { level }]) => ({ participant, level }))
      .sort((one, other) => other.level - one.level);
    if (this.current !== null && !levels.has(this.current)) this.current = null;
    this.choose(me, now);
  }

  private hear(participant: string, level: number, now: number): void {
    const before = this.known.get(participant);
    const spokeAt = level >= SPEECH ? now : (before?.spokeAt ?? null);
    this.known.set(participant, { level: Math.max(level, DECAY * (before?.level ?? 0)), spokeAt });
  }

  private choose(me: string, now: number): void {
    const others = this.order.filter(({ participant }) => participant !== me);
    const [loudest] = others;
    const before = others.find(({ participant }) => participant === this.current);
    if (!loudest || loudest === before) {
      this.challenger = null;
    } else if (!before) {
      this.current = loudest.participant;
    } else if (loudest.level < LOUDER * before.level) {
      this.challenger = null;
    } else if (this.challenger?.participant !== loudest.participant) {
      this.challenger = { participant: loudest.participant, since: now };
    } else if (now - this.challenger.since >= INTERRUPTION_MS) {
      this.challenger = null;
      this.current = loudest.participant;
    }
  }
}
