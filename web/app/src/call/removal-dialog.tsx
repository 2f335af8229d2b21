import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "../room/people.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { useCall } from "./context.ts";

const HOUR_S = 3600;
/** For how many seconds; null is for good, and `kick` no ban at all. */
const CHOICES = { kick: 0, hour: HOUR_S, day: 24 * HOUR_S, forGood: null } as const;
type Removal = keyof typeof CHOICES;
const HINTS = { kick: "kickHint", hour: "banHint", day: "banHint", forGood: "forGoodHint" } as const;

/** Removing somebody can't be taken back, so it is asked once more. */
export function RemovalDialog({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation();
  const { actions } = useCall();
  const [removal, setRemoval] = useState<Removal>("kick");
  const [device, setDevice] = useState(false);

  const remove = () => {
    const seconds = CHOICES[removal];
    if (removal === "kick") actions.kick(person.id);
    else actions.ban(person.id, device, seconds ?? undefined);
    onClose();
  };

  return (
    <Dialog title={t("removal.title", { name: person.name })} open onClose={onClose}>
      <fieldset>
        <legend className="sr-only">{t("removal.choice")}</legend>
        {(Object.keys(CHOICES) as Removal[]).map((choice) => (
          <label key={choice} className="flex min-h-11 items-start gap-3 py-2">
            <input
              type="radio"
              name="removal"
              className="mt-0.5 size-5 flex-none accent-accent"
              data-testid={`removal-${choice}`}
              checked={removal === choice}
              onChange={() => setRemoval(choice)}
            />
            <span>
              <span className="block font-medium">{t(`removal.${choice}`)}</span>
              {removal === choice && (
                <span className="block text-sm text-quiet">{t(`removal.${HINTS[choice]}`)}</span>
              )}
            </span>
          </label>
        ))}
      </fieldset>
      {removal !== "kick" && (
        <label className="mt-1 flex min-h-11 items-center gap-3 border-t border-line py-2">
          <input
            type="checkbox"
            className="size-5 flex-none accent-accent"
            checked={device}
            onChange={({ target }) => setDevice(target.checked)}
          />
          {t("removal.device")}
        </label>
      )}
      <div className="mt-4 flex justify-end gap-2">
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button tone="danger" data-testid="confirm-removal" onClick={remove}>
          {t("removal.confirm")}
        </Button>
      </div>
    </Dialog>
  );
}
