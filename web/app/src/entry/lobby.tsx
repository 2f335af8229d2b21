import type { Room } from "@nexusvibe/client";
import { ChevronDown } from "lucide-react";
import { useEffect } from "react";
import { Trans, useTranslation } from "react-i18next";
import type { Invitation } from "../address.ts";
import type { Equipment } from "../equipment.ts";
import { Heading } from "../ui/heading.tsx";
import { Brand } from "./brand.tsx";
import { DeviceChoices } from "./device-choices.tsx";
import { JoinForm } from "./join-form.tsx";
import { LanguageChoice } from "./language-choice.tsx";
import { Preview } from "./preview.tsx";
import { Waiting } from "./waiting.tsx";

interface LobbyProps {
  invitation: Invitation;
  /** While it is being joined. */
  room: Room | null;
  equipment: Equipment;
  onJoin: (name: string) => void;
}

/** Before joining: a name, a look at oneself, and the choice of microphone and camera. */
export function Lobby({ invitation, room, equipment, onJoin }: LobbyProps) {
  const { t } = useTranslation();
  useEffect(() => void equipment.ask(), [equipment]);
  return (
    <main className="mx-auto grid min-h-full w-full max-w-5xl content-center gap-4 p-4 sm:p-8">
      <Brand />
      <div className="grid overflow-hidden rounded-3xl border border-line bg-surface shadow-sm md:grid-cols-[1.4fr_1fr]">
        <Preview equipment={equipment} />
        <section className="flex flex-col p-5 sm:p-7" aria-labelledby="lobby-title">
          <div id="lobby-title">
            <Heading>{t("lobby.title")}</Heading>
          </div>
          {invitation.room !== null && (
            <p className="mt-1 break-words text-quiet">
              <Trans
                i18nKey="lobby.room"
                values={{ room: invitation.room }}
                components={{ name: <strong className="font-semibold text-ink" /> }}
              />
            </p>
          )}
          <JoinForm name={invitation.name} joining={room !== null} onJoin={onJoin} />
          {room && <Waiting room={room} />}
          <details className="group mt-5 border-t border-line pt-3">
            <summary className="touchable flex cursor-pointer list-none items-center justify-between font-medium">
              {t("lobby.devices")}
              <ChevronDown aria-hidden size={19} className="transition-transform group-open:rotate-180" />
            </summary>
            <DeviceChoices equipment={equipment} />
          </details>
          <LanguageChoice />
        </section>
      </div>
    </main>
  );
}
