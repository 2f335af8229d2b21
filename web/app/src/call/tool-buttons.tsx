import { MessageSquare, MonitorUp, MonitorX } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { RoomView } from "../room/use-room.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { UnreadBadge, useUnread } from "./unread-badge.tsx";
import { keyFor } from "./use-shortcuts.ts";

/** Counts what was written since the chat was last on the screen. */
export function ChatButton({ view, open, onPress }: { view: RoomView; open: boolean; onPress: () => void }) {
  const { t } = useTranslation();
  const unread = useUnread(view, open);
  const name = t("call.chat");
  return (
    <IconButton
      icon={MessageSquare}
      label={unread === 0 ? name : `${name}: ${t("call.unread", { count: unread })}`}
      hint={`${name} (${keyFor("chat")})`}
      aria-expanded={open}
      data-testid="chat-toggle"
      onClick={onPress}
    >
      <UnreadBadge count={unread} />
    </IconButton>
  );
}

export function ShareButton({ sharing, onPress }: { sharing: boolean; onPress: () => void }) {
  const { t } = useTranslation();
  return (
    <IconButton
      icon={sharing ? MonitorX : MonitorUp}
      className="max-sm:hidden"
      label={t("call.share")}
      hint={`${t(sharing ? "call.shareStop" : "call.share")} (${keyFor("share")})`}
      tone={sharing ? "active" : "plain"}
      aria-pressed={sharing}
      data-testid="share"
      onClick={onPress}
    />
  );
}

/** Phones have no screens to share, and invitations may not allow it. */
export function canShare({ me }: RoomView): boolean {
  const asks = "mediaDevices" in navigator && "getDisplayMedia" in navigator.mediaDevices;
  return asks && (me?.permissions.publish.includes("screen") ?? false);
}
