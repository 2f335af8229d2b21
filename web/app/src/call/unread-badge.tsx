import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { RoomView } from "../room/use-room.ts";

/** How much others have written since the chat was last on the screen. */
export function UnreadBadge({ view, open }: { view: RoomView; open: boolean }) {
  const { t } = useTranslation();
  const last = view.chat.at(-1)?.id ?? null;
  const [read, setRead] = useState(last);
  if (open && read !== last) setRead(last);
  const since = view.chat.findIndex(({ id }) => id === read) + 1;
  const count = view.chat.slice(since).filter(({ participant }) => participant !== view.me?.id).length;
  if (open || count === 0) return null;
  return (
    <span
      data-testid="unread"
      className="absolute -top-1 -right-1 grid min-h-5 min-w-5 place-items-center rounded-full bg-accent px-1 text-xs font-bold text-on-accent"
    >
      <span aria-hidden>{count > 99 ? "99+" : count}</span>
      <span className="sr-only">{t("call.unread", { count })}</span>
    </span>
  );
}
