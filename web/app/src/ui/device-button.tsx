import type { DeviceKind } from "@nexusvibe/client";
import { Mic, MicOff, Video, VideoOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./icon-button.tsx";

const ICONS = { camera: [Video, VideoOff], microphone: [Mic, MicOff] } as const;

interface DeviceButtonProps {
  kind: DeviceKind;
  view: { readonly on: boolean; readonly mediaTrack: MediaStreamTrack | null };
  testId: string;
  onPress: () => void;
  /** The key that does the same. */
  shortcut?: string;
}

/** Pressed means: it is on. */
export function DeviceButton({ kind, view, testId, onPress, shortcut }: DeviceButtonProps) {
  const { t } = useTranslation();
  const on = view.on && view.mediaTrack !== null;
  const action = t(`device.${kind}${on ? "Off" : "On"}`);
  return (
    <IconButton
      icon={ICONS[kind][on ? 0 : 1]}
      label={t(`device.${kind}`)}
      hint={shortcut ? `${action} (${shortcut})` : action}
      tone={on ? "plain" : "off"}
      aria-pressed={on}
      data-testid={testId}
      data-device={kind === "microphone" ? "mic" : "camera"}
      onClick={onPress}
    />
  );
}
