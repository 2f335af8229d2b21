import { useSyncExternalStore } from "react";
import { type Language, LANGUAGE_NAMES } from "./i18n/languages.ts";

const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** What this browser keeps for its person, from one visit to the next. */
export interface Preferences {
  readonly name: string;
  /** null: as the browser says. */
  readonly language: Language | null;
  readonly theme: Theme;
  readonly dataSaver: boolean;
  readonly shortcuts: boolean;
  /** Device ids; empty for the standard one. */
  readonly camera: string;
  readonly microphone: string;
  readonly speaker: string;
}

const STORED_AS = "nexusvibe.preferences";
const AT_FIRST: Preferences = {
  name: "",
  language: null,
  theme: "system",
  dataSaver: false,
  shortcuts: true,
  camera: "",
  microphone: "",
  speaker: "",
};

const listeners = new Set<() => void>();
let current: Preferences = load();

export function preferences(): Preferences {
  return current;
}

export function prefer(changes: Partial<Preferences>): void {
  current = { ...current, ...changes };
  try {
    localStorage.setItem(STORED_AS, JSON.stringify(current));
  } catch {
    // Nothing may be stored here: it holds until the page is closed.
  }
  for (const listener of listeners) listener();
}

export function onPreference(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(onPreference, preferences);
}

/** What was stored, as far as it is what we would store. */
export function restored(text: string | null): Preferences {
  const stored: unknown = text === null ? null : parsed(text);
  if (typeof stored !== "object" || stored === null) return AT_FIRST;
  const known = Object.entries(stored).filter(([key, value]) => isKept(key, value));
  return { ...AT_FIRST, ...Object.fromEntries(known) };
}

function isKept(key: string, value: unknown): boolean {
  if (key === "language") return value === null || LANGUAGE_NAMES.some((name) => name === value);
  if (key === "theme") return THEMES.some((theme) => theme === value);
  return Object.hasOwn(AT_FIRST, key) && typeof value === typeof AT_FIRST[key as keyof Preferences];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function load(): Preferences {
  try {
    return restored(localStorage.getItem(STORED_AS));
  } catch {
    return AT_FIRST;
  }
}
