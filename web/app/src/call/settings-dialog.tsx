import { useTranslation } from "react-i18next";
import { DeviceChoices } from "../entry/device-choices.tsx";
import type { Equipment } from "../equipment.ts";
import { type Language, LANGUAGE_NAMES, LANGUAGES } from "../i18n/languages.ts";
import { prefer, type Theme, usePreferences } from "../preferences.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Choice, Switch } from "../ui/fields.tsx";

interface SettingsDialogProps {
  open: boolean;
  equipment: Equipment;
  onClose: () => void;
}

/** What holds from now on, and at the next visit. */
export function SettingsDialog({ open, equipment, onClose }: SettingsDialogProps) {
  const { t, i18n } = useTranslation();
  const { theme, dataSaver, shortcuts } = usePreferences();
  const themes: readonly { value: Theme; label: string }[] = [
    { value: "system", label: t("settings.themeSystem") },
    { value: "light", label: t("settings.themeLight") },
    { value: "dark", label: t("settings.themeDark") },
  ];
  const languages = LANGUAGE_NAMES.map((value) => ({ value, label: LANGUAGES[value] }));
  return (
    <Dialog title={t("settings.title")} open={open} onClose={onClose}>
      <h3 className="font-semibold">{t("settings.devices")}</h3>
      <DeviceChoices equipment={equipment} />
      <Switch
        label={t("settings.dataSaver")}
        hint={t("settings.dataSaverHint")}
        on={dataSaver}
        onChange={(on) => prefer({ dataSaver: on })}
      />
      <h3 className="mt-4 border-t border-line pt-4 font-semibold">{t("settings.look")}</h3>
      <div className="grid grid-cols-2 gap-3 py-2">
        <Choice
          label={t("settings.language")}
          value={i18n.language as Language}
          options={languages}
          onChoose={(language) => prefer({ language })}
        />
        <Choice
          label={t("settings.theme")}
          value={theme}
          options={themes}
          onChoose={(chosen) => prefer({ theme: chosen })}
        />
      </div>
      <Switch
        label={t("settings.shortcuts")}
        hint={t("settings.shortcutsHint")}
        on={shortcuts}
        onChange={(on) => prefer({ shortcuts: on })}
      />
    </Dialog>
  );
}
