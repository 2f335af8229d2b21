import { useTranslation } from "react-i18next";
import type { RoomView } from "../room/use-room.ts";
import { Button } from "../ui/button.tsx";
import { useCall } from "./context.ts";

/** For moderators: who waits to be let in. */
export function Door({ view }: { view: RoomView }) {
  const { t } = useTranslation();
  const { actions } = useCall();
  const waiting = [...view.state.lobby.values()].sort((one, other) => one.since - other.since);
  if (waiting.length === 0) return null;
  return (
    <section
      data-testid="door"
      aria-label={t("door.title")}
      className="mx-3 mb-2 max-h-40 flex-none overflow-y-auto rounded-2xl border border-line bg-surface px-4 py-2 text-sm sm:mx-5"
    >
      <h2 className="font-semibold">{t("door.title")}</h2>
      <ul>
        {waiting.map(({ id, name }) => (
          <li key={id} data-testid="waiting-person" className="flex items-center gap-2 py-1">
            <span className="min-w-0 flex-1 truncate">{name}</span>
            <Button
              small
              tone="primary"
              data-testid="admit"
              aria-label={t("door.admitName", { name })}
              onClick={() => actions.admit(id)}
            >
              {t("door.admit")}
            </Button>
            <Button
              small
              data-testid="deny"
              aria-label={t("door.denyName", { name })}
              onClick={() => actions.deny(id)}
            >
              {t("door.deny")}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
