import { Hand, MicOff, MonitorOff, ShieldPlus, UserMinus, VideoOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Person } from "../room/people.ts";
import { MenuItem } from "../ui/menu.tsx";
import { useCall } from "./context.ts";

/** What a moderator can do about somebody. */
export function ModerationItems({ person }: { person: Person }) {
  const { t } = useTranslation();
  const { actions, askToRemove } = useCall();
  const { id, role } = person;
  return (
    <>
      {person.microphoneOn && (
        <MenuItem icon={MicOff} testId="do-mute" onSelect={() => actions.mute(id)}>
          {t("person.muteMicrophone")}
        </MenuItem>
      )}
      {person.camera.on && (
        <MenuItem icon={VideoOff} testId="do-stop-camera" onSelect={() => actions.stop(id, "camera")}>
          {t("person.stopCamera")}
        </MenuItem>
      )}
      {person.screen && (
        <MenuItem icon={MonitorOff} testId="do-stop-screen" onSelect={() => actions.stop(id, "screen")}>
          {t("person.stopScreen")}
        </MenuItem>
      )}
      {person.inLine !== null && (
        <MenuItem icon={Hand} testId="do-lower-hand" onSelect={() => actions.lowerHand(id)}>
          {t("person.lowerHand")}
        </MenuItem>
      )}
      {(role === null || role === "viewer") && (
        <MenuItem icon={ShieldPlus} testId="do-make-moderator" onSelect={() => actions.makeModerator(id)}>
          {t("person.makeModerator")}
        </MenuItem>
      )}
      <MenuItem icon={UserMinus} danger testId="do-remove" onSelect={() => askToRemove(person)}>
        {t("person.remove")}
      </MenuItem>
    </>
  );
}
