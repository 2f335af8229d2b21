import { Room } from "@nexusvibe/client";
import { readInvitation } from "./address.ts";
import { Call } from "./call.ts";
import { Devices } from "./devices.ts";
import { Lobby } from "./lobby.ts";
import { ending, NO_TOKEN } from "./sentences.ts";

declare global {
  /** For browser tests and the console. */
  var nexusvibe: { room: Room | null };
}

globalThis.nexusvibe = { room: null };

const devices = new Devices();
const lobby = new Lobby(
  devices,
  (name) => void enter(name),
  () => globalThis.nexusvibe.room?.leave(),
);

function wait(sentence: string | null): void {
  const { token, name } = readInvitation(new URL(location.href));
  void lobby.show(token === null ? NO_TOKEN : sentence, token !== null, name);
}

async function enter(name: string): Promise<void> {
  const { token, servers } = readInvitation(new URL(location.href));
  if (token === null) {
    wait(null);
    return;
  }
  const room = new Room(servers);
  globalThis.nexusvibe.room = room;
  const call = new Call(room, devices);
  room.on("disconnected", (reason) => {
    call.close();
    wait(ending(reason));
  });
  room.on("connectionChanged", (connection) => lobby.waits(connection === "waiting"));
  try {
    await room.join({ token, name });
    lobby.hide();
    call.show();
  } catch {
    // `disconnected` has told why.
  }
}

addEventListener("hashchange", () => {
  if (globalThis.nexusvibe.room?.connection !== "connected") wait(null);
});
wait(null);
