import { Lock } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Brand } from "../entry/brand.tsx";
import type { RoomView } from "../room/use-room.ts";
import { useQuality } from "../room/use-room.ts";
import { useCall } from "./context.ts";

const COLOURS = { good: "bg-good", fair: "bg-warn", poor: "bg-alarm" } as const;

/** Which room this is, and how well this person is connected to it. */
export function Header({ view }: { view: RoomView }) {
  const { t } = useTranslation();
  return (
    <header className="flex min-h-12 items-center gap-3 px-3 pt-1 sm:px-5 md:col-span-full">
      <div className="max-sm:hidden">
        <Brand />
      </div>
      <h1 className="min-w-16 flex-initial truncate font-medium text-quiet">{view.state.room}</h1>
      {view.state.policy.locked && (
        <span className="flex flex-none items-center gap-1 rounded-full bg-raised px-2 py-0.5 text-sm">
          <Lock aria-hidden size={13} />
          {t("call.locked")}
        </span>
      )}
      <span className="flex-none text-sm text-quiet max-sm:hidden">
        {t("call.people", { count: view.people.length })}
      </span>
      <ConnectionState view={view} />
    </header>
  );
}

function ConnectionState({ view }: { view: RoomView }) {
  const { t } = useTranslation();
  const { room } = useCall();
  const overall = useQuality(room)?.overall;
  const connected = view.connection === "connected";
  const colour = connected ? COLOURS[overall?.rating ?? "good"] : "bg-warn animate-pulse";
  const reasons = overall?.reasons.map((reason) => t(`reason.${reason}`)).join(", ") ?? "";
  const poor = connected && overall?.rating === "poor" && reasons !== "";
  return (
    <p
      role="status"
      data-testid="state"
      data-state={view.connection}
      className="ml-auto flex min-w-0 items-center gap-2 text-sm leading-tight text-quiet"
    >
      <span aria-hidden className={`size-2.5 flex-none rounded-full ${colour}`} />
      <span className="line-clamp-2">
        {poor ? t("connection.poor", { reasons }) : t(`connection.${view.connection}`)}
      </span>
    </p>
  );
}
