import { Hand, Lock, LockOpen, LogOut, MessageSquare, MonitorUp, MonitorX, Users } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type Equipment, useEquipment } from "../equipment.ts";
import type { RoomView } from "../room/use-room.ts";
import { DeviceButton } from "../ui/device-button.tsx";
import { IconButton } from "../ui/icon-button.tsx";
import type { DialogName } from "./call.tsx";
import { useCall } from "./context.ts";
import { MoreMenu } from "./more-menu.tsx";
import { ReactionMenu } from "./reaction-menu.tsx";
import type { PanelName } from "./side-panel.tsx";
import { UnreadBadge, useUnread } from "./unread-badge.tsx";
import { keyFor } from "./use-shortcuts.ts";

interface ToolbarProps {
  view: RoomView;
  equipment: Equipment;
  panel: PanelName | null;
  spotlight: boolean;
  onPanel: (name: PanelName) => void;
  onLayout: () => void;
  onDialog: (name: DialogName) => void;
}

/** All that one does in a call. On a phone, what does not fit is in the menu. */
export function Toolbar(props: ToolbarProps) {
  const { view, panel, onPanel } = props;
  const { t } = useTranslation();
  const { actions } = useCall();
  const { me } = view;
  const { locked } = view.state.policy;
  const raised = me?.hand_raised_at != null;
  return (
    <nav
      aria-label={t("call.controls")}
      className="flex items-center justify-center gap-1.5 px-2 pt-2 pb-[max(0.75rem,env(safe-area-inset-bottom))] sm:gap-2.5 md:col-span-full"
    >
      <Devices {...props} />
      {canShare(view) && <ShareButton sharing={view.share !== null} onPress={actions.share} />}
      <IconButton
        icon={Hand}
        label={t("call.hand")}
        hint={`${t(raised ? "call.handDown" : "call.handUp")} (${keyFor("hand")})`}
        tone={raised ? "active" : "plain"}
        aria-pressed={raised}
        data-testid="hand"
        onClick={actions.raiseHand}
      />
      {me?.permissions.chat !== false && <ReactionMenu />}
      <span aria-hidden className="w-4 max-md:hidden" />
      <ChatButton view={view} open={panel === "chat"} onPress={() => onPanel("chat")} />
      <IconButton
        icon={Users}
        className="max-sm:hidden"
        label={t("call.peopleList")}
        hint={`${t("call.peopleList")} (${keyFor("people")})`}
        aria-expanded={panel === "people"}
        data-testid="people-toggle"
        onClick={() => onPanel("people")}
      />
      {me?.permissions.moderate && (
        <IconButton
          icon={locked ? Lock : LockOpen}
          className="max-sm:hidden"
          label={t("call.lock")}
          hint={t(locked ? "call.unlockIt" : "call.lockIt")}
          tone={locked ? "active" : "plain"}
          aria-pressed={locked}
          data-testid="lock"
          onClick={actions.lock}
        />
      )}
      <MoreMenu {...props} />
      <IconButton
        icon={LogOut}
        tone="danger"
        label={t("call.leave")}
        data-testid="leave"
        onClick={actions.leave}
      />
    </nav>
  );
}

function Devices({ view, equipment }: ToolbarProps) {
  const { room, actions } = useCall();
  const available = useEquipment(equipment);
  const kinds = [
    ["microphone", "mic"],
    ["camera", "camera"],
  ] as const;
  const own = view.people.find(({ self }) => self);
  return kinds.map(([kind, testId]) => {
    const local = room.localTrack(kind);
    const sent = kind === "camera" ? own?.camera.on : own?.microphoneOn;
    const mediaTrack = local?.mediaTrack ?? available[kind].mediaTrack;
    return (
      <DeviceButton
        key={kind}
        kind={kind}
        testId={testId}
        view={{ on: sent ?? false, mediaTrack }}
        shortcut={keyFor(kind)}
        onPress={() => actions.toggle(kind)}
      />
    );
  });
}

function ChatButton({ view, open, onPress }: { view: RoomView; open: boolean; onPress: () => void }) {
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

function ShareButton({ sharing, onPress }: { sharing: boolean; onPress: () => void }) {
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
