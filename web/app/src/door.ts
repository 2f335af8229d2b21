import type { Room, Waiting } from "@nexusvibe/client";
import { find } from "./dom.ts";

/** For moderators: who waits to be let in, and whether the room is locked. */
export class Door {
  private readonly view = find("[data-testid=door]");
  private readonly list = find("ul", this.view);
  private readonly template = find<HTMLTemplateElement>("#waiting-person");
  private readonly lock = find("[data-testid=lock]");
  private shown: Room["state"]["lobby"] | null = null;

  constructor(
    private readonly room: Room,
    private readonly failed: (error: unknown) => void,
    left: AbortSignal,
  ) {
    this.lock.addEventListener("click", () => this.toggleLock(), { signal: left });
    left.addEventListener("abort", () => this.list.replaceChildren());
  }

  refresh(): void {
    const { me, state } = this.room;
    const { locked } = state.policy;
    this.lock.hidden = !(me?.permissions.moderate ?? false);
    this.lock.setAttribute("aria-pressed", String(locked));
    this.lock.title = locked ? "Unlock the room" : "Lock the room: nobody new gets in";
    if (state.lobby === this.shown) return; // a button that is being pressed stays where it is
    this.shown = state.lobby;
    const waiting = [...state.lobby.values()].sort((one, other) => one.since - other.since);
    this.view.hidden = waiting.length === 0;
    this.list.replaceChildren(...waiting.map((person) => this.entry(person)));
  }

  private entry({ id, name }: Waiting): HTMLElement {
    const item = find("li", this.template.content.cloneNode(true) as DocumentFragment);
    find(".name", item).textContent = name;
    const act = (part: string, label: string, decide: () => Promise<void>) => {
      const button = find(`[data-testid=${part}]`, item);
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => void decide().catch(this.failed));
    };
    act("admit", `Let ${name} in`, () => this.room.admit(id));
    act("deny", `Send ${name} away`, () => this.room.deny(id));
    return item;
  }

  private toggleLock(): void {
    void this.room.setLocked(!this.room.state.policy.locked).catch(this.failed);
  }
}
