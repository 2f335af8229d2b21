import type { ChatMessage, Room } from "@nexusvibe/client";
import { find, make } from "./dom.ts";

/** What was written, and where one writes. */
export class Chat {
  private readonly view = find(".call");
  private readonly log = find("[data-testid=chat-log]");
  private readonly form = find<HTMLFormElement>(".chat-form");
  private readonly input = find<HTMLInputElement>("[data-testid=chat-input]");
  private readonly toggle = find("[data-testid=chat-toggle]");
  private readonly badge = find(".badge", this.toggle);
  private unread = 0;

  constructor(
    private readonly room: Room,
    private readonly failed: () => void,
    left: AbortSignal,
  ) {
    this.log.replaceChildren();
    this.open(innerWidth > 800);
    this.toggle.addEventListener("click", () => this.open(this.hidden), { signal: left });
    this.form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        void this.send();
      },
      { signal: left },
    );
    room.on("chat", (message) => this.show(message));
  }

  private get hidden(): boolean {
    return this.view.classList.contains("chat-hidden");
  }

  private open(open: boolean): void {
    this.view.classList.toggle("chat-hidden", !open);
    this.toggle.setAttribute("aria-expanded", String(open));
    this.count(0);
  }

  private async send(): Promise<void> {
    const text = this.input.value.trim();
    if (text === "") return;
    this.input.value = "";
    try {
      await this.room.sendChat(text);
    } catch {
      this.input.value ||= text;
      this.failed();
    }
  }

  private show(message: ChatMessage): void {
    const own = message.participant === this.room.me?.id;
    const item = make("li", own ? "own" : "");
    const from = make("p", "from", message.name);
    const time = make("time", "", new Date(message.sent_at).toLocaleTimeString([], { timeStyle: "short" }));
    from.append(time);
    item.append(from, make("p", "text", message.text));
    this.log.append(item);
    this.log.scrollTop = this.log.scrollHeight;
    if (this.hidden && !own) this.count(this.unread + 1);
  }

  private count(unread: number): void {
    this.unread = unread;
    this.badge.hidden = unread === 0;
    this.badge.textContent = String(unread);
  }
}
