import type { SimulcastLayer } from "./generated/protocol.ts";

/** What to receive of a picture: at most this layer, or nothing of it for now. */
export type Wish = SimulcastLayer | "paused";

/** How a picture is shown. `height` of the whole picture in device pixels, also of what is cropped. */
export interface View {
  readonly visible: boolean;
  readonly height: number;
}

export interface Box {
  readonly width: number;
  readonly height: number;
}

const RANK: Record<Wish, number> = { paused: 0, low: 1, medium: 2, high: 3 };
/** Up to which height a layer is sharp enough. A 720p camera's layers are 180, 360 and 720 lines high. */
const LOW_UP_TO = 240;
const MEDIUM_UP_TO = 480;
/** A picture has to be this much off a limit before the layer changes: one that is dragged must not flutter. */
const SLACK = 0.1;
/** What got worse must stay so, in ms: tiles are animated, people scroll past. What got better counts at once. */
const SMALLER_AFTER = 500;
const PAUSED_AFTER = 1500;

/** The lower of two wishes. */
export function lower(one: Wish, other: Wish): Wish {
  return RANK[one] <= RANK[other] ? one : other;
}

/** Height of a picture of that shape in a box: `cover` fills the box and crops, anything else fits it in. */
export function pictureHeight(box: Box, picture: Box, fit: string): number {
  const scales = [box.width / picture.width, box.height / picture.height];
  return picture.height * (fit === "cover" ? Math.max(...scales) : Math.min(...scales));
}

/** The layer for a picture of that height, given what it was. */
export function layerFor(height: number, before: Wish | undefined): SimulcastLayer {
  const limit = (lines: number, isAbove: boolean) => lines * (1 + (isAbove ? -SLACK : SLACK));
  const rank = before && before !== "paused" ? RANK[before] : null;
  if (height > (rank === null ? MEDIUM_UP_TO : limit(MEDIUM_UP_TO, rank > RANK.medium))) return "high";
  if (height > (rank === null ? LOW_UP_TO : limit(LOW_UP_TO, rank > RANK.low))) return "medium";
  return "low";
}

interface Known {
  wish: Wish;
  /** Since when less would do; null while it would not. */
  lessSince: number | null;
}

/** Turns views into wishes, calmly. Knows no clock: whoever asks brings the time in ms. */
export class Demand {
  private readonly known = new Map<string, Known>();

  /** The wish for each view, and in how many ms to ask again because of what is being waited for. */
  look(
    views: ReadonlyMap<string, View>,
    now: number,
  ): { wishes: ReadonlyMap<string, Wish>; again: number | null } {
    for (const track of this.known.keys()) if (!views.has(track)) this.known.delete(track);
    const waits = [...views]
      .map(([track, view]) => this.lookAt(track, view, now))
      .filter((wait) => wait !== null);
    const wishes = new Map([...this.known].map(([track, { wish }]) => [track, wish]));
    return { wishes, again: waits.length > 0 ? Math.min(...waits) : null };
  }

  private lookAt(track: string, view: View, now: number): number | null {
    const known = this.known.get(track);
    const fits = view.visible ? layerFor(view.height, known?.wish) : "paused";
    if (!known || RANK[fits] >= RANK[known.wish]) {
      this.known.set(track, { wish: fits, lessSince: null });
      return null;
    }
    known.lessSince ??= now;
    const wait = known.lessSince + (fits === "paused" ? PAUSED_AFTER : SMALLER_AFTER) - now;
    if (wait > 0) return wait;
    this.known.set(track, { wish: fits, lessSince: null });
    return null;
  }
}
