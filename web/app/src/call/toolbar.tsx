import { Hand, Lock, LockOpen, LogOut, Users } from "lucide-react";
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
import { canShare, ChatButton, ShareButton } from "./tool-buttons.tsx";
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
