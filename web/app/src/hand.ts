import type { Participant, Room } from "@nexusvibe/client";
import { find } from "./dom.ts";

/** One's own hand: up, or down. */
export class Hand {
  private readonly button = find("[data-testid=hand]");

  constructor(
    private readonly room: Room,
    failed: (error: unknown) => void,
    left: AbortSignal,
  ) {
    const toggle = () => void room.raiseHand(!this.raised).catch(failed);
    this.button.addEventListener("click", toggle, { signal: left });
  }

  refresh(): void {
    this.button.setAttribute("aria-pressed", String(this.raised));
    this.button.title = this.raised ? "Lower your hand" : "Raise your hand";
  }

  private get raised(): boolean {
    return this.room.me?.hand_raised_at != null;
  }
}

/** The places in line of those whose hand is up, by participant id: who raised it first is 1. */
export function placesInLine(people: Iterable<Participant>): ReadonlyMap<string, number> {
  const raised = [...people].flatMap(({ id, hand_raised_at: at }) => (at == null ? [] : [{ id, at }]));
  raised.sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
  return new Map(raised.map(({ id }, index) => [id, index + 1]));
}
