import {
  Ellipsis,
  Keyboard,
  LayoutGrid,
  Lock,
  LockOpen,
  MonitorUp,
  Settings,
  SquareUser,
  Users,
} from "lucide-react";
import { useTranslation } from "react-i18next";
import type { RoomView } from "../room/use-room.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { Menu, MenuItem } from "../ui/menu.tsx";
import type { DialogName } from "./call.tsx";
import { useCall } from "./context.ts";
import type { PanelName } from "./side-panel.tsx";
import { canShare } from "./tool-buttons.tsx";

interface MoreMenuProps {
  view: RoomView;
  spotlight: boolean;
  onPanel: (name: PanelName) => void;
  onLayout: () => void;
  onDialog: (name: DialogName) => void;
}

const ON_PHONES = "flex sm:hidden";

export function MoreMenu({ view, spotlight, onPanel, onLayout, onDialog }: MoreMenuProps) {
  const { t } = useTranslation();
  const { actions } = useCall();
  const { locked } = view.state.policy;
  return (
    <Menu trigger={<IconButton icon={Ellipsis} label={t("call.more")} data-testid="more" />}>
      <MenuItem icon={Users} className={ON_PHONES} testId="more-people" onSelect={() => onPanel("people")}>
        {t("call.peopleList")}
      </MenuItem>
      {canShare(view) && (
        <MenuItem icon={MonitorUp} className={ON_PHONES} testId="more-share" onSelect={actions.share}>
          {t(view.share ? "call.shareStop" : "call.share")}
        </MenuItem>
      )}
      {view.me?.permissions.moderate && (
        <MenuItem
          icon={locked ? LockOpen : Lock}
          className={ON_PHONES}
          testId="more-lock"
          onSelect={actions.lock}
        >
          {t(locked ? "call.unlockIt" : "call.lock")}
        </MenuItem>
      )}
      <MenuItem icon={spotlight ? LayoutGrid : SquareUser} testId="layout" onSelect={onLayout}>
        {t(spotlight ? "call.layoutGrid" : "call.layoutSpotlight")}
      </MenuItem>
      <MenuItem icon={Settings} testId="settings" onSelect={() => onDialog("settings")}>
        {t("call.settings")}
      </MenuItem>
      <MenuItem icon={Keyboard} testId="shortcuts" onSelect={() => onDialog("shortcuts")}>
        {t("call.shortcuts")}
      </MenuItem>
    </Menu>
  );
}
