type Listener<Arguments extends readonly unknown[]> = (...values: Arguments) => void;

/** Typed events: `Events` maps a name to the arguments of its listeners. */
export class Emitter<Events extends { [Name in keyof Events]: readonly unknown[] }> {
  private readonly listeners = new Map<keyof Events, Set<Listener<never>>>();

  /** Calls `listener` at each event of that name until the returned function is called. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const known = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, known.add(listener));
    return () => known.delete(listener);
  }

  /** A listener that throws is reported to the page; the others, and we, go on. */
  protected emit<Name extends keyof Events>(name: Name, ...values: Events[Name]): void {
    const known = this.listeners.get(name) as Set<Listener<Events[Name]>> | undefined;
    for (const listener of [...(known ?? [])]) {
      try {
        listener(...values);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
