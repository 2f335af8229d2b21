import { Heart, Laugh, type LucideIcon, PartyPopper, Sparkles, ThumbsUp, HandHeart } from "lucide-react";

/** What people can react with. The names travel, so that each page draws them as it likes. */
export const REACTIONS = ["thumbs", "clap", "heart", "laugh", "wow", "party"] as const;
export type Reaction = (typeof REACTIONS)[number];

export const REACTION_TOPIC = "reaction";

export const REACTION_ICONS: Record<Reaction, LucideIcon> = {
  thumbs: ThumbsUp,
  clap: HandHeart,
  heart: Heart,
  laugh: Laugh,
  wow: Sparkles,
  party: PartyPopper,
};

/** Others' pages may be newer: what we don't know is not shown. */
export function reactionOf(text: string): Reaction | null {
  return REACTIONS.find((known) => known === text) ?? null;
}
