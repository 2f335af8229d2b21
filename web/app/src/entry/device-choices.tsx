import type { DeviceKind } from "@nexusvibe/client";
import { useTranslation } from "react-i18next";
import { type Equipment, useEquipment } from "../equipment.ts";
import { prefer, usePreferences } from "../preferences.ts";
import { Choice } from "../ui/fields.tsx";

/** Which camera, microphone and speaker. Names come once the browser has been allowed to tell them. */
export function DeviceChoices({ equipment }: { equipment: Equipment }) {
  const { t } = useTranslation();
  const view = useEquipment(equipment);
  const { speaker } = usePreferences();
  const optionsOf = (devices: readonly MediaDeviceInfo[], kind: DeviceKind | "speaker") => {
    const known = devices.filter(({ deviceId }) => deviceId !== "");
    const named = known.map(({ deviceId, label }, index) => ({
      value: deviceId,
      label: label || t("device.numbered", { kind: t(`device.${kind}`), number: index + 1 }),
    }));
    return named.length > 0 ? named : [{ value: "", label: t("device.standard") }];
  };
  const { cameras, microphones, speakers } = view.list;
  return (
    <div className="flex flex-col gap-3 py-2">
      <Choice
        label={t("device.camera")}
        value={view.camera.deviceId}
        options={optionsOf(cameras, "camera")}
        onChoose={(id) => void equipment.choose("camera", id)}
      />
      <Choice
        label={t("device.microphone")}
        value={view.microphone.deviceId}
        options={optionsOf(microphones, "microphone")}
        onChoose={(id) => void equipment.choose("microphone", id)}
      />
      {"setSinkId" in HTMLMediaElement.prototype && (
        <Choice
          label={t("device.speaker")}
          value={speaker}
          options={optionsOf(speakers, "speaker")}
          onChoose={(id) => prefer({ speaker: id })}
        />
      )}
    </div>
  );
}
