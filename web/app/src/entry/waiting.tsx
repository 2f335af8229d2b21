import type { Room } from "@nexusvibe/client";
import { useTranslation } from "react-i18next";
import { useRoom } from "../room/use-room.ts";
import { Button } from "../ui/button.tsx";

/** Others decide now when the call begins. */
export function Waiting({ room }: { room: Room }) {
  const { t } = useTranslation();
  const waiting = useRoom(room).connection === "waiting";
  return (
    <div className="mt-3">
      <p role="status" data-testid="waiting" className="font-medium empty:hidden">
        {waiting ? t("lobby.waiting") : null}
      </p>
      <Button className="mt-3 w-full" data-testid="stop-waiting" onClick={() => room.leave()}>
        {t(waiting ? "lobby.stopWaiting" : "common.cancel")}
      </Button>
    </div>
  );
}
