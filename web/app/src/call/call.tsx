import type { Room } from "@nexusvibe/client";
import { useEffect, useMemo, useState } from "react";
import type { Equipment } from "../equipment.ts";
import { usePreferences } from "../preferences.ts";
import type { Person } from "../room/people.ts";
import { useRoom } from "../room/use-room.ts";
import { actionsIn } from "./actions.ts";
import { Banners } from "./banners.tsx";
import { Call as Context } from "./context.ts";
import { Door } from "./door.tsx";
import { Header } from "./header.tsx";
import { type PanelName, SidePanel } from "./side-panel.tsx";
import { RemovalDialog } from "./removal-dialog.tsx";
import { SettingsDialog } from "./settings-dialog.tsx";
import { ShortcutsDialog } from "./shortcuts-dialog.tsx";
import { Stage } from "./stage.tsx";
import { Toolbar } from "./toolbar.tsx";
import { useNews, useNotice, useOrders } from "./use-news.ts";
import { useShortcuts } from "./use-shortcuts.ts";

/** Beside the tiles there is room for a panel. */
const WIDE = 800;

export type DialogName = "settings" | "shortcuts";

/** The room on the screen, from joining to leaving. */
export function Call({ room, equipment }: { room: Room; equipment: Equipment }) {
  const view = useRoom(room);
  const [notice, tell] = useNotice();
  const [panel, setPanel] = useState<PanelName | null>(innerWidth > WIDE ? "chat" : null);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const [removing, setRemoving] = useState<Person | null>(null);
  const [pinned, pin] = useState<string | null>(null);
  const [spotlight, setSpotlight] = useState(false);
  const { shortcuts } = usePreferences();
  const actions = useMemo(() => actionsIn(room, equipment, tell), [room, equipment, tell]);
  const call = useMemo(
    () => ({ room, actions, tell, askToRemove: setRemoving, pinned, pin }),
    [room, actions, tell, pinned],
  );
  const news = useNews(room, panel === "chat");
  useOrders(room, equipment, tell);
  useWishes(room);
  useEffect(() => room.on("error", actions.failed), [room, actions]);
  const show = (name: PanelName) => setPanel(panel === name ? null : name);
  const toggleLayout = () => setSpotlight(!spotlight);
  useShortcuts(shortcuts, {
    microphone: () => actions.toggle("microphone"),
    camera: () => actions.toggle("camera"),
    share: actions.share,
    hand: actions.raiseHand,
    chat: () => show("chat"),
    people: () => show("people"),
    layout: toggleLayout,
    help: () => setDialog("shortcuts"),
  });

  return (
    <Context value={call}>
      <div
        data-view="call"
        className={`grid h-dvh grid-rows-[auto_minmax(0,1fr)_auto] overflow-hidden ${panel ? "md:grid-cols-[minmax(0,1fr)_21rem]" : ""}`}
      >
        <Header view={view} />
        <main className="relative flex min-h-0 min-w-0 flex-col">
          <Banners view={view} notice={notice} />
          <Door view={view} />
          <Stage view={view} spotlight={spotlight} />
        </main>
        {panel && <SidePanel view={view} name={panel} onShow={setPanel} />}
        <Toolbar
          view={view}
          equipment={equipment}
          panel={panel}
          spotlight={spotlight}
          onPanel={show}
          onLayout={toggleLayout}
          onDialog={setDialog}
        />
      </div>
      <p role="status" aria-live="polite" className="sr-only" data-testid="news">
        {news}
      </p>
      <SettingsDialog open={dialog === "settings"} equipment={equipment} onClose={() => setDialog(null)} />
      <ShortcutsDialog open={dialog === "shortcuts"} onClose={() => setDialog(null)} />
      {removing && <RemovalDialog person={removing} onClose={() => setRemoving(null)} />}
    </Context>
  );
}

/** What this person prefers holds in this room as soon as it is chosen. */
function useWishes(room: Room): void {
  const { dataSaver, speaker } = usePreferences();
  useEffect(() => room.setDataSaver(dataSaver), [room, dataSaver]);
  useEffect(() => {
    if (speaker !== "") room.setSpeaker(speaker).catch(() => undefined); // it is gone: the standard one plays
  }, [room, speaker]);
}
