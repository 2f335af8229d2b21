/** The few things that a page without a framework needs. */

/** The element that `selector` names. It is part of index.html, so that its absence is our mistake. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows index.html
export function find<Type extends Element = HTMLElement>(
  selector: string,
  within: ParentNode = document,
): Type {
  const element = within.querySelector<Type>(selector);
  if (!element) throw new Error(`index.html has no ${selector}`);
  return element;
}

export function make(tag: string, className: string, text = ""): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Shows a sentence, or hides its place when there is none. */
export function say(place: HTMLElement, sentence: string | null): void {
  place.textContent = sentence;
  place.hidden = sentence === null;
}

/** A button that turns a device on and off: pressed means on. */
export function showToggle(button: HTMLElement, on: boolean): void {
  const device = button.dataset.device === "mic" ? "mic" : "camera";
  const name = device === "mic" ? "microphone" : "camera";
  button.setAttribute("aria-pressed", String(on));
  button.title = `Turn ${name} ${on ? "off" : "on"}`;
  find("use", button).setAttribute("href", on ? `#i-${device}` : `#i-${device}-off`);
}
