import type { Participant, QualityReport, Room, ScreenShare } from "@nexusvibe/client";
import { useCallback, useSyncExternalStore } from "react";
import { peopleIn, type Person } from "./people.ts";

/** All that the page shows of a room. Another object after each change, the same between two. */
export interface RoomView extends Pick<Room, "connection" | "reconnectingSince" | "state" | "chat"> {
  readonly me: Participant | null;
  readonly people: readonly Person[];
  readonly share: ScreenShare | null;
}

/** A room as React reads it: looked at once after each `changed`, however many components ask. */
class RoomStore {
  private shown: RoomView;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly room: Room) {
    this.shown = this.look();
    room.on("changed", () => {
      this.shown = this.look();
      for (const listener of this.listeners) listener();
    });
  }

  readonly view = (): RoomView => this.shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private look(): RoomView {
    const { connection, reconnectingSince, state, chat, me, screenShare } = this.room;
    return {
      connection,
      reconnectingSince,
      state,
      chat,
      me,
      people: peopleIn(this.room),
      share: screenShare,
    };
  }
}

const stores = new WeakMap<Room, RoomStore>();

export function useRoom(room: Room): RoomView {
  let store = stores.get(room);
  if (!store) stores.set(room, (store = new RoomStore(room)));
  return useSyncExternalStore(store.subscribe, store.view);
}

/** How media fared in the last two seconds. */
export function useQuality(room: Room): QualityReport | null {
  const subscribe = useCallback((listener: () => void) => room.on("quality", listener), [room]);
  return useSyncExternalStore(subscribe, () => room.quality);
}

/** Whether somebody speaks now. Only who is concerned renders again. */
export function useSpeaks(room: Room, person: string): boolean {
  const subscribe = useCallback((listener: () => void) => room.on("speakersChanged", listener), [room]);
  return useSyncExternalStore(subscribe, () =>
    room.speakers.some(({ participant }) => participant === person),
  );
}

export function useActiveSpeaker(room: Room): string | null {
  const subscribe = useCallback((listener: () => void) => room.on("activeSpeakerChanged", listener), [room]);
  return useSyncExternalStore(subscribe, () => room.activeSpeaker);
}

/** The browser waits for a click before it plays what others say. */
export function useSoundBlocked(room: Room): boolean {
  const subscribe = useCallback((listener: () => void) => room.on("soundBlocked", listener), [room]);
  return useSyncExternalStore(subscribe, () => room.soundBlocked);
}
