import { useState } from "react";
import type { RoomView } from "../room/use-room.ts";

/** How much others have written since the chat was last on the screen. */
export function useUnread({ chat, me }: RoomView, open: boolean): number {
  const last = chat.at(-1)?.id ?? null;
  const [read, setRead] = useState(last);
  if (open && read !== last) setRead(last);
  if (open) return 0;
  const since = chat.findIndex(({ id }) => id === read) + 1;
  return chat.slice(since).filter(({ participant }) => participant !== me?.id).length;
}

/** For the eye: the button that it stands on says it in words. */
export function UnreadBadge({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span
      aria-hidden
      data-testid="unread"
      className="absolute -top-1 -right-1 grid min-h-5 min-w-5 place-items-center rounded-full bg-accent px-1 text-xs font-bold text-on-accent"
    >
      {count > 99 ? "99+" : count}
    </span>
  );
}
