import { useTranslation } from "react-i18next";
import { usePreferences } from "../preferences.ts";
import { Dialog } from "../ui/dialog.tsx";
import { keyFor, type Shortcut, SHORTCUTS } from "./use-shortcuts.ts";

const MEANINGS = {
  microphone: "device.microphone",
  camera: "device.camera",
  share: "call.share",
  hand: "call.hand",
  chat: "call.chat",
  people: "call.peopleList",
  layout: "call.layoutSpotlight",
  help: "call.shortcuts",
} as const satisfies Record<Shortcut, string>;

export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const { shortcuts } = usePreferences();
  return (
    <Dialog title={t("shortcuts.title")} open={open} onClose={onClose}>
      {!shortcuts && <p className="mb-2 text-quiet">{t("shortcuts.off")}</p>}
      <dl>
        {Object.values(SHORTCUTS).map((shortcut) => (
          <div key={shortcut} className="flex items-center justify-between gap-4 py-1.5">
            <dt>{t(MEANINGS[shortcut])}</dt>
            <dd>
              <kbd className="grid size-8 place-items-center rounded-lg border border-line bg-raised font-sans text-sm font-semibold">
                {keyFor(shortcut)}
              </kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
