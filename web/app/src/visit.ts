import { Room } from "@nexusvibe/client";
import { useCallback, useState } from "react";
import { readInvitation } from "./address.ts";
import type { Ending } from "./endings.ts";
import type { Equipment } from "./equipment.ts";
import { preferences } from "./preferences.ts";

declare global {
  /** For browser tests and the console. */
  var nexusvibe: { room: Room | null };
}

/** From the wish to join until the room is over. */
export interface Visit {
  /** The room that is joined now, or being joined. */
  readonly room: Room | null;
  /** Let in, at least once. */
  readonly inside: boolean;
  /** Why the last room is over. */
  readonly ending: Ending | null;
  readonly join: (name: string) => void;
  /** Back to before joining. */
  readonly forget: () => void;
}

export function useVisit(equipment: Equipment): Visit {
  const [room, setRoom] = useState<Room | null>(null);
  const [inside, setInside] = useState(false);
  const [ending, setEnding] = useState<Ending | null>(null);

  const join = useCallback(
    (name: string) => {
      const { token, servers } = readInvitation(new URL(location.href));
      if (token === null) return;
      const joined = enter(new Room(servers, options()), equipment);
      setRoom(joined);
      setEnding(null);
      joined.on("disconnected", (reason) => {
        setRoom(null);
        setInside(false);
        setEnding(reason);
        equipment.close();
      });
      joined.join({ token, name }).then(
        () => setInside(true),
        () => undefined, // `disconnected` has told why
      );
    },
    [equipment],
  );
  const forget = useCallback(() => setEnding(null), []);
  return { room, inside, ending, join, forget };
}

function options() {
  return { playSound: true, dataSaver: preferences().dataSaver };
}

function enter(room: Room, equipment: Equipment): Room {
  globalThis.nexusvibe.room = room;
  equipment.serve(room);
  void equipment.ask();
  return room;
}
