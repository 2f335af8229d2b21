import * as Tabs from "@radix-ui/react-tabs";
import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { RoomView } from "../room/use-room.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { Chat } from "./chat.tsx";
import { PeopleList } from "./people-list.tsx";

export type PanelName = "chat" | "people";

interface SidePanelProps {
  view: RoomView;
  name: PanelName;
  onShow: (name: PanelName | null) => void;
}

const TAB =
  "touchable flex-1 rounded-xl px-3 text-sm font-semibold text-quiet data-[state=active]:bg-raised data-[state=active]:text-ink";

/** Beside the tiles, or over them on a phone. */
export function SidePanel({ view, name, onShow }: SidePanelProps) {
  const { t } = useTranslation();
  return (
    <aside
      data-testid="panel"
      aria-label={t("call.panel")}
      className="flex min-h-0 flex-col bg-surface max-md:fixed max-md:inset-0 max-md:z-20 md:mr-5 md:rounded-2xl md:border md:border-line"
    >
      <Tabs.Root
        value={name}
        onValueChange={(chosen) => onShow(chosen === "people" ? "people" : "chat")}
        className="flex min-h-0 flex-1 flex-col"
      >
        <div className="flex items-center gap-1 border-b border-line p-2">
          <Tabs.List className="flex flex-1 gap-1" aria-label={t("call.panel")}>
            <Tabs.Trigger value="chat" className={TAB} data-testid="tab-chat">
              {t("call.chat")}
            </Tabs.Trigger>
            <Tabs.Trigger value="people" className={TAB} data-testid="tab-people">
              {t("call.peopleTitle", { count: view.people.length })}
            </Tabs.Trigger>
          </Tabs.List>
          <IconButton
            icon={X}
            size="small"
            tone="ghost"
            label={t("call.closePanel")}
            data-testid="close-panel"
            onClick={() => onShow(null)}
          />
        </div>
        <Tabs.Content value="chat" className="flex min-h-0 flex-1 flex-col" tabIndex={-1}>
          <Chat view={view} />
        </Tabs.Content>
        <Tabs.Content value="people" className="min-h-0 flex-1 overflow-y-auto" tabIndex={-1}>
          <PeopleList view={view} />
        </Tabs.Content>
      </Tabs.Root>
    </aside>
  );
}
