import { Ban, Clock, DoorClosed, Lock, type LucideIcon, LogOut, ServerOff, Users } from "lucide-react";
import { useTranslation } from "react-i18next";
import { readInvitation } from "../address.ts";
import { type Ending, endingKey, hasDetails, isSpent } from "../endings.ts";
import { preferences } from "../preferences.ts";
import { Button } from "../ui/button.tsx";
import { Heading } from "../ui/heading.tsx";
import { Card } from "./card.tsx";
import { InvitationForm } from "./invitation-form.tsx";

const ICONS: Readonly<Record<string, LucideIcon>> = {
  left: LogOut,
  room_full: Users,
  lobby_full: Users,
  no_capacity: Users,
  room_locked: Lock,
  expired_token: Clock,
  lobby_timeout: Clock,
  server_unreachable: ServerOff,
  connection_lost: ServerOff,
  no_answer: ServerOff,
  media_unavailable: ServerOff,
  unavailable: ServerOff,
  banned: Ban,
  kicked: Ban,
  removed: Ban,
};

interface EndingPageProps {
  ending: Ending;
  onJoin: (name: string) => void;
  onBack?: () => void;
}

/** Why one is not in the room, and what one can do. */
export function EndingPage({ ending, onJoin, onBack }: EndingPageProps) {
  const { t } = useTranslation();
  const { code, message } = ending;
  const key = endingKey(code);
  const Icon = ICONS[code] ?? DoorClosed;
  const again = () => onJoin(readInvitation(new URL(location.href)).name ?? preferences().name);
  return (
    <Card key={code}>
      <Icon aria-hidden size={36} strokeWidth={1.6} className="mb-4 text-accent" />
      <Heading>{t(`ending.${key}.title`)}</Heading>
      <div data-testid="notice" data-code={code} role="alert" className="mt-2 text-quiet">
        <p>{t(`ending.${key}.text`)}</p>
        {hasDetails(code) && message !== "" && (
          <p className="mt-2 break-words">{t("afterwards.serverSays", { sentence: message })}</p>
        )}
      </div>
      <Button
        tone={isSpent(code) ? "plain" : "primary"}
        className="mt-6 w-full"
        data-testid="join"
        onClick={again}
      >
        {t(code === "left" ? "afterwards.again" : "common.retry")}
      </Button>
      {isSpent(code) && <InvitationForm />}
      {!isSpent(code) && onBack && (
        <Button className="mt-2 w-full" data-testid="back" onClick={onBack}>
          {t("afterwards.back")}
        </Button>
      )}
    </Card>
  );
}
