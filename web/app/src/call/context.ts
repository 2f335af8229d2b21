import type { Room } from "@nexusvibe/client";
import { createContext, useContext } from "react";
import type { Person } from "../room/people.ts";
import type { Actions } from "./actions.ts";

/** What every part of a call may need. */
export interface CallContext {
  readonly room: Room;
  readonly actions: Actions;
  /** Shows a sentence for a while. */
  readonly tell: (sentence: string) => void;
  /** Asks whether and how somebody is to be removed. */
  readonly askToRemove: (person: Person) => void;
  /** The tile that is shown large by choice. */
  readonly pinned: string | null;
  readonly pin: (tile: string | null) => void;
}

export const Call = createContext<CallContext | null>(null);

export function useCall(): CallContext {
  const call = useContext(Call);
  if (!call) throw new Error("This component belongs into a call.");
  return call;
}
