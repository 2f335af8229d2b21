import { newId } from "./local-track.ts";

const STORED_AS = "nexusvibe.device";

/** This browser's id for this origin, made at random once; null where nothing can be kept. It can be cleared. */
export function deviceId(): string | null {
  try {
    const known = localStorage.getItem(STORED_AS);
    if (known !== null && /^[A-Za-z0-9_-]{16,64}$/.test(known)) return known;
    const made = newId("d");
    localStorage.setItem(STORED_AS, made);
    return made;
  } catch {
    return null; // storage is forbidden, or this is no browser
  }
}
