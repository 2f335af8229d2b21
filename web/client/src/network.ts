/** Network Information, as far as we read it; not every browser has it, and the DOM's types lack it. */
interface NetworkInformation extends EventTarget {
  /** `wifi`, `cellular`, …: on phones. */
  readonly type?: string;
}

export interface NetworkHandlers {
  /** This machine is on another network now, or on one again: connections may be dead without knowing it. */
  changed(): void;
  /** The page is looked at again, maybe after the machine has slept: timers may not have run. */
  awake(): void;
}

/** Watches what the browser tells of the network, until `signal` is aborted. Outside of browsers there is nothing to tell. */
export function watchNetwork(handlers: NetworkHandlers, signal: AbortSignal): void {
  if (typeof window === "undefined") return;
  window.addEventListener("online", () => handlers.changed(), { signal });
  window.addEventListener("pageshow", ({ persisted }) => persisted && handlers.awake(), { signal });
  document.addEventListener("visibilitychange", () => !document.hidden && handlers.awake(), { signal });
  const { connection } = navigator as Navigator & { readonly connection?: NetworkInformation };
  let before = connection?.type;
  connection?.addEventListener(
    "change",
    () => {
      const { type } = connection; // it is told of every new estimate of the speed too
      if (type !== before && type !== "none") handlers.changed();
      before = type;
    },
    { signal },
  );
}
