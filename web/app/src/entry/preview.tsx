import { useTranslation } from "react-i18next";
import { type Equipment, type EquipmentView, useEquipment } from "../equipment.ts";
import { Button } from "../ui/button.tsx";
import { DeviceButton } from "../ui/device-button.tsx";
import { Picture } from "../ui/picture.tsx";
import { LevelMeter } from "./level-meter.tsx";

/** How the others will see this person, or why they won't. */
export function Preview({ equipment }: { equipment: Equipment }) {
  const { t } = useTranslation();
  const view = useEquipment(equipment);
  const { camera, microphone } = view;
  const seen = camera.on && camera.mediaTrack !== null;
  return (
    <section
      data-testid="preview"
      aria-label={t("lobby.preview")}
      className="relative grid min-h-72 place-items-center overflow-hidden bg-tile md:min-h-[30rem]"
    >
      {seen && <Picture track={camera.mediaTrack} mirrored label={t("lobby.preview")} />}
      <div className="z-1 max-w-sm p-6 pb-24 text-center">
        {!seen && <Note view={view} onRetry={() => void equipment.ask()} />}
      </div>
      <div
        className={`absolute inset-x-0 bottom-0 z-1 flex items-center justify-center gap-3 p-4 ${seen ? "bg-linear-to-t from-scrim" : ""}`}
      >
        <DeviceButton
          kind="microphone"
          view={microphone}
          testId="lobby-mic"
          onPress={() => void equipment.toggle("microphone")}
        />
        <DeviceButton
          kind="camera"
          view={camera}
          testId="lobby-camera"
          onPress={() => void equipment.toggle("camera")}
        />
        <LevelMeter track={microphone.on ? microphone.mediaTrack : null} />
      </div>
    </section>
  );
}

function Note({ view, onRetry }: { view: EquipmentView; onRetry: () => void }) {
  const { t } = useTranslation();
  const { camera, microphone, asking } = view;
  if (asking) return <p role="status">{t("lobby.asking")}</p>;
  const problem = problemOf(camera.problem ?? microphone.problem);
  if (problem === null) return <p className="text-quiet">{t("lobby.cameraOff")}</p>;
  const missing = camera.problem === null ? "microphone" : microphone.problem === null ? "camera" : "both";
  return (
    <div role="alert" data-testid="device-problem" className="rounded-2xl bg-surface p-5 shadow-sm">
      <p className="font-semibold">{t(`problem.${missing}`)}</p>
      <p className="mt-1 text-sm">{t(`problem.${problem}`)}</p>
      <p className="mt-1 text-sm text-quiet">{t("problem.still")}</p>
      <Button small className="mt-3" onClick={onRetry}>
        {t("common.retry")}
      </Button>
    </div>
  );
}

const PROBLEMS = [
  "device_denied",
  "device_denied_by_system",
  "device_not_found",
  "device_in_use",
  "device_unsuitable",
  "device_unsupported",
] as const;

/** The words for it; a code that we don't know is a failure. */
function problemOf(code: string | null) {
  if (code === null) return null;
  return PROBLEMS.find((known) => known === code) ?? "device_failed";
}
