import { useEffect, useRef } from "react";

/** Single letters, as most calls have them. */
export const SHORTCUTS = {
  m: "microphone",
  v: "camera",
  s: "share",
  h: "hand",
  c: "chat",
  p: "people",
  l: "layout",
  "?": "help",
} as const;
export type Shortcut = (typeof SHORTCUTS)[keyof typeof SHORTCUTS];

/** The key that does this, as it is shown. */
export function keyFor(shortcut: Shortcut): string {
  const [key] = Object.entries(SHORTCUTS).find(([, name]) => name === shortcut) ?? [""];
  return key.toUpperCase();
}

/** What a key press asks for; null while somebody writes, chooses in a menu, or means the browser. */
export function shortcutOf(
  event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "repeat">,
  within: Element | null,
) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return null;
  if (within?.closest("input, textarea, select, [contenteditable], [role=menu], [role=dialog]")) return null;
  const key = event.key.toLowerCase();
  return key in SHORTCUTS ? SHORTCUTS[key as keyof typeof SHORTCUTS] : null;
}

export function useShortcuts(enabled: boolean, act: Record<Shortcut, () => void>): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    if (!enabled) return;
    const pressed = (event: KeyboardEvent) => {
      const shortcut = shortcutOf(event, event.target instanceof Element ? event.target : null);
      if (!shortcut) return;
      event.preventDefault();
      latest.current[shortcut]();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [enabled]);
}
