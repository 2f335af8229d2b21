import { en } from "./i18n/en.ts";

/** Why somebody is not in the room. `code` is the protocol's or the SDK's, `message` the sentence that came with it. */
export interface Ending {
  readonly code: string;
  readonly message: string;
}

export type EndingKey = keyof typeof en.ending;

/** The words for it: those for a code that we don't know say so, and the message follows. */
export function endingKey(code: string): EndingKey {
  return Object.hasOwn(en.ending, code) ? (code as EndingKey) : "unknown";
}

/** Who removes or bans may have given a reason and a time, which only the sentence that came with it says. */
const DETAILED: readonly string[] = ["banned", "kicked"];

export function hasDetails(code: string): boolean {
  return endingKey(code) === "unknown" || DETAILED.includes(code);
}

/** With these the same invitation lets nobody in any more. */
const SPENT: readonly string[] = ["expired_token", "invalid_token", "banned", "room_closed"];

export function isSpent(code: string): boolean {
  return SPENT.includes(code);
}
