import { lazy, Suspense, useEffect, useState } from "react";
import { readInvitation } from "./address.ts";
import { EndingPage } from "./entry/ending-page.tsx";
import { Landing } from "./entry/landing.tsx";
import { Lobby } from "./entry/lobby.tsx";
import { Loading } from "./entry/loading.tsx";
import type { Equipment } from "./equipment.ts";
import { useVisit } from "./visit.ts";

/** Loaded while people look at themselves in the lobby. */
const loadCall = () => import("./call/call.tsx");
const Call = lazy(async () => ({ default: (await loadCall()).Call }));

export function App({ equipment }: { equipment: Equipment }) {
  const [invitation, setInvitation] = useState(() => readInvitation(new URL(location.href)));
  const { room, inside, ending, join, forget } = useVisit(equipment);
  const busy = room !== null;

  useEffect(() => {
    const read = () => {
      if (busy) return; // the call goes on; the new invitation counts at the next join
      setInvitation(readInvitation(new URL(location.href)));
      forget();
    };
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, [busy, forget]);

  useEffect(() => {
    const leave = () => room?.leave();
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, [room]);

  useEffect(() => {
    if (invitation.token !== null) void loadCall();
  }, [invitation]);

  if (room && inside) {
    return (
      <Suspense fallback={<Loading />}>
        <Call room={room} equipment={equipment} />
      </Suspense>
    );
  }
  if (ending) return <EndingPage ending={ending} onJoin={join} onBack={forget} />;
  if (invitation.token === null) return <Landing />;
  return <Lobby invitation={invitation} room={room} equipment={equipment} onJoin={join} />;
}
