import { Info, MonitorUp, VolumeX, WifiOff } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type RoomView, useSoundBlocked } from "../room/use-room.ts";
import { Button } from "../ui/button.tsx";
import { useCall } from "./context.ts";
import type { Notice } from "./use-news.ts";

/** What this person should know now, above the tiles. */
export function Banners({ view, notice }: { view: RoomView; notice: Notice | null }) {
  const { t } = useTranslation();
  const { room, actions } = useCall();
  const soundBlocked = useSoundBlocked(room);
  return (
    <div className="flex flex-col gap-2 px-3 empty:hidden sm:px-5">
      {view.connection === "reconnecting" && <Lost since={view.reconnectingSince} />}
      {soundBlocked && (
        <Banner icon={VolumeX} role="alert">
          <span className="flex-1">{t("notice.soundBlocked")}</span>
          <Button small tone="primary" onClick={() => void room.startAudio().catch(actions.failed)}>
            {t("notice.playSound")}
          </Button>
        </Banner>
      )}
      {view.share && (
        <Banner icon={MonitorUp} role="status">
          <span className="flex-1">{t("call.sharing")}</span>
          <Button small tone="danger" onClick={actions.share}>
            {t("call.shareStop")}
          </Button>
        </Banner>
      )}
      {notice && (
        <Banner key={notice.id} icon={Info} role="alert" testId="call-notice">
          {notice.text}
        </Banner>
      )}
      {view.people.length === 1 && (
        <p className="pb-2 text-center text-sm text-balance text-quiet">{t("call.alone")}</p>
      )}
    </div>
  );
}

interface BannerProps {
  icon: LucideIcon;
  role: "alert" | "status";
  testId?: string;
  children: ReactNode;
}

function Banner({ icon: Icon, role, testId, children }: BannerProps) {
  return (
    <div
      role={role}
      data-testid={testId}
      className="mb-2 flex min-h-11 animate-appear items-center gap-3 rounded-2xl border border-line bg-surface px-4 py-2 text-sm"
    >
      <Icon aria-hidden size={18} className="flex-none text-accent" />
      {children}
    </div>
  );
}

/** The longer it takes, the more this person wants to know. */
function Lost({ since }: { since: number | null }) {
  const { t } = useTranslation();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  const minutes = since === null ? 0 : Math.floor((now - since) / 60_000);
  return (
    <Banner icon={WifiOff} role="status" testId="lost">
      {minutes < 1 ? t("connection.lost") : t("connection.lostLong", { minutes })}
    </Banner>
  );
}
