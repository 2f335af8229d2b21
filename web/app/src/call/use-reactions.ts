import type { Room } from "@nexusvibe/client";
import { useEffect, useState } from "react";
import { type Reaction, REACTION_TOPIC, reactionOf } from "../room/reactions.ts";

/** As long as `--animate-rise`. */
const SHOWN_MS = 2600;

export interface Flying {
  readonly id: number;
  readonly participant: string;
  readonly reaction: Reaction;
}

/** The reactions of the last moments. */
export function useReactions(room: Room): readonly Flying[] {
  const [flying, setFlying] = useState<readonly Flying[]>([]);
  useEffect(() => {
    let latest = 0;
    return room.on("message", ({ participant, topic, text }) => {
      const reaction = topic === REACTION_TOPIC ? reactionOf(text) : null;
      if (!reaction) return;
      const id = ++latest;
      setFlying((others) => [...others, { id, participant, reaction }]);
      setTimeout(() => setFlying((all) => all.filter((one) => one.id !== id)), SHOWN_MS);
    });
  }, [room]);
  return flying;
}
