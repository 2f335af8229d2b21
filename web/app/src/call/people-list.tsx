import { Ellipsis, Hand, Mic, MicOff, MonitorUp, Video, VideoOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import { initialOf, type Person } from "../room/people.ts";
import type { RoomView } from "../room/use-room.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { Menu } from "../ui/menu.tsx";
import { ModerationItems } from "./moderation-items.tsx";

/** Everybody by name: raised hands first, in line. */
export function PeopleList({ view }: { view: RoomView }) {
  const { t } = useTranslation();
  const moderates = view.me?.permissions.moderate ?? false;
  const inLine = ({ inLine: place }: Person) => place ?? Infinity;
  const people = [...view.people].sort((one, other) => Math.sign(inLine(one) - inLine(other)) || 0);
  return (
    <ul data-testid="people" aria-label={t("person.list")} className="p-2">
      {people.map((person) => (
        <Row key={person.id} person={person} moderates={moderates && !person.self} />
      ))}
    </ul>
  );
}

function Row({ person, moderates }: { person: Person; moderates: boolean }) {
  const { t } = useTranslation();
  const { name, self, role, inLine } = person;
  return (
    <li
      data-testid="person"
      data-person={person.identity}
      className="flex min-h-12 items-center gap-2.5 px-2"
    >
      <span
        aria-hidden
        className="grid size-8 flex-none place-items-center rounded-full bg-avatar text-sm font-semibold text-on-scrim"
      >
        {initialOf(name)}
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate">{self ? t("common.you", { name }) : name}</span>
        {(role ?? !person.connected) && (
          <span className="block truncate text-sm text-quiet">
            {person.connected && role ? t(`person.${role}`) : t("connection.reconnecting")}
          </span>
        )}
      </span>
      {inLine !== null && (
        <span className="flex items-center gap-0.5 font-semibold text-accent">
          <Hand role="img" aria-label={t("tile.hand", { place: inLine })} size={17} />
          {inLine}
        </span>
      )}
      <Media person={person} />
      {moderates && (
        <Menu
          trigger={
            <IconButton
              icon={Ellipsis}
              size="small"
              tone="ghost"
              data-testid="person-menu"
              label={t("tile.menu", { name })}
            />
          }
        >
          <ModerationItems person={person} />
        </Menu>
      )}
    </li>
  );
}

/** Off is said in words, on by the absence of them. */
function Media({ person }: { person: Person }) {
  const { t } = useTranslation();
  if (person.role === "player") return null;
  return (
    <span className="flex flex-none items-center gap-1.5 text-quiet">
      {person.screen && (
        <MonitorUp role="img" aria-label={t("tile.screen", { name: person.name })} size={17} />
      )}
      {person.microphoneOn ? (
        <Mic aria-hidden size={17} />
      ) : (
        <MicOff role="img" aria-label={t("tile.microphoneOff")} size={17} className="text-alarm" />
      )}
      {person.camera.on ? (
        <Video aria-hidden size={17} />
      ) : (
        <VideoOff role="img" aria-label={t("tile.cameraOff")} size={17} className="text-alarm" />
      )}
    </span>
  );
}
