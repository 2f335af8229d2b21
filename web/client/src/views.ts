import { type Box, pictureHeight, type View } from "./demand.ts";

/** More pixels than two for each CSS pixel nobody sees in a moving picture. */
const DENSEST = 2;
/** How far outside of what is scrolled a picture counts as visible, so that it flows by the time that it is seen. */
const MARGIN = "10%";
const CAMERA: Box = { width: 16, height: 9 };

interface Watched {
  readonly track: string;
  readonly detached: AbortController;
  box: Box | null;
  onScreen: boolean | null;
}

/** Watches the elements in which tracks are shown: their size, and whether they are on the screen. */
export class Views {
  private readonly watched = new Map<Element, Watched>();
  private sizes: ResizeObserver | null = null;
  private positions: IntersectionObserver | null = null;
  private readonly closing = new AbortController();

  constructor(private readonly changed: () => void) {}

  /** Until the returned function is called. An element shows one track: the one that it was given last. */
  attach(track: string, element: Element): () => void {
    this.watched.get(element)?.detached.abort();
    const detached = new AbortController();
    const entry: Watched = { track, detached, box: null, onScreen: null };
    const signal = AbortSignal.any([detached.signal, this.closing.signal]);
    this.observe(element);
    this.watched.set(element, entry);
    for (const event of ["enterpictureinpicture", "leavepictureinpicture", "resize"]) {
      element.addEventListener(event, () => this.changed(), { signal }); // `resize`: of the picture itself
    }
    return () => {
      detached.abort();
      if (this.watched.get(element) !== entry) return;
      this.watched.delete(element);
      this.sizes?.unobserve(element);
      this.positions?.unobserve(element);
      this.changed();
    };
  }

  /** The largest visible view of each track. What was not looked at yet is left out. */
  current(): ReadonlyMap<string, View> {
    const views = new Map<string, View>();
    for (const [element, { track, box, onScreen }] of this.watched) {
      if (!box || onScreen === null) continue;
      const floating = document.pictureInPictureElement === element;
      const visible = floating || (onScreen && !document.hidden);
      const height = visible ? heightOf(element, box) : 0;
      const known = views.get(track);
      if (!known?.visible || height > known.height) views.set(track, { visible, height });
    }
    return views;
  }

  close(): void {
    this.closing.abort();
    this.sizes?.disconnect();
    this.positions?.disconnect();
    this.watched.clear();
  }

  /** Observers tell of an element anew, also of one that they know. */
  private observe(element: Element): void {
    if (!this.sizes || !this.positions) {
      this.sizes = new ResizeObserver((entries) => this.resized(entries));
      this.positions = new IntersectionObserver((entries) => this.moved(entries), { scrollMargin: MARGIN });
      document.addEventListener("visibilitychange", () => this.changed(), { signal: this.closing.signal });
    }
    for (const observer of [this.sizes, this.positions]) {
      observer.unobserve(element);
      observer.observe(element);
    }
  }

  private resized(entries: readonly ResizeObserverEntry[]): void {
    for (const { target, contentRect } of entries) {
      const entry = this.watched.get(target);
      if (entry) entry.box = { width: contentRect.width, height: contentRect.height };
    }
    this.changed();
  }

  private moved(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const entry = this.watched.get(target);
      if (entry) entry.onScreen = isIntersecting;
    }
    this.changed();
  }
}

function heightOf(element: Element, box: Box): number {
  const density = Math.min(devicePixelRatio, DENSEST);
  const known = element instanceof HTMLVideoElement && element.videoHeight > 0;
  const picture = known ? { width: element.videoWidth, height: element.videoHeight } : CAMERA;
  return density * pictureHeight(box, picture, getComputedStyle(element).objectFit);
}
