import type { Participant, Room } from "@nexusvibe/client";
import i18next from "i18next";
import { useEffect, useState } from "react";
import type { Equipment } from "../equipment.ts";
import { REACTION_TOPIC, reactionOf } from "../room/reactions.ts";

const NOTICE_MS = 8000;

export interface Notice {
  readonly id: number;
  readonly text: string;
}

/** The sentence that is shown now, and how to show one. */
export function useNotice(): [Notice | null, (text: string) => void] {
  const [notice, setNotice] = useState<Notice | null>(null);
  const [tell] = useState(() => {
    let latest = 0;
    return (text: string) => {
      const id = ++latest;
      setNotice({ id, text });
      setTimeout(() => setNotice((shown) => (shown?.id === id ? null : shown)), NOTICE_MS);
    };
  });
  return [notice, tell];
}

/** What others have done to this person. */
export function useOrders(room: Room, equipment: Equipment, tell: (text: string) => void): void {
  useEffect(() => {
    const { t } = i18next;
    const offs = [
      room.on("muted", ({ source }) => {
        if (source === "camera" || source === "microphone") equipment.set(source, false);
        tell(t("notice.muted"));
      }),
      room.on("stopped", ({ source }) => {
        if (source === "camera" || source === "microphone") equipment.set(source, false);
        tell(t("notice.stopped"));
      }),
      room.on("moderatorChanged", ({ id }) => {
        if (id === room.me?.id) tell(t("notice.moderator"));
      }),
      equipment.devices.on("switched", ({ kind }, reason) => {
        if (reason === "unplugged") {
          tell(t(kind === "camera" ? "device.switchedCamera" : "device.switchedMicrophone"));
        }
      }),
      equipment.devices.on("lost", ({ kind }) =>
        tell(t(kind === "camera" ? "device.lostCamera" : "device.lostMicrophone")),
      ),
    ];
    return () => offs.forEach((off) => off());
  }, [room, equipment, tell]);
}

/** What happens in the room, in a sentence for who can't see it. */
export function useNews(room: Room, chatShown: boolean): string {
  const [news, setNews] = useState("");
  useEffect(() => {
    const { t } = i18next;
    const nameOf = (id: string) => room.state.participants.get(id)?.name ?? "";
    const isMe = (id: string) => id === room.me?.id;
    const raised = handsRaised(room);
    const offs = [
      room.on("participantJoined", ({ name }) => setNews(t("news.joined", { name }))),
      room.on("participantLeft", ({ name }) => setNews(t("news.left", { name }))),
      room.on("participantUpdated", (person) => {
        if (raised(person) && !isMe(person.id)) setNews(t("news.hand", { name: person.name }));
      }),
      room.on("lobbyWaiting", ({ name }) => setNews(t("news.waiting", { name }))),
      room.on("trackPublished", ({ source, participant }) => {
        if (source === "screen" && !isMe(participant))
          setNews(t("news.shares", { name: nameOf(participant) }));
      }),
      room.on("chat", ({ participant, name, text }) => {
        if (!chatShown && !isMe(participant)) setNews(t("chat.said", { name, text }));
      }),
      room.on("message", ({ participant, topic, text }) => {
        const reaction = topic === REACTION_TOPIC ? reactionOf(text) : null;
        if (!reaction) return;
        setNews(t("reaction.said", { name: nameOf(participant), reaction: t(`reaction.${reaction}`) }));
      }),
    ];
    return () => offs.forEach((off) => off());
  }, [room, chatShown]);
  return news;
}

/** Tells of each change whether it was a hand that went up. */
function handsRaised(room: Room): (person: Participant) => boolean {
  const up = new Set<string>();
  for (const { id, hand_raised_at: at } of room.state.participants.values()) if (at != null) up.add(id);
  return ({ id, hand_raised_at: at }) => {
    const isNew = at != null && !up.has(id);
    if (at == null) up.delete(id);
    else up.add(id);
    return isNew;
  };
}
