import { type DeviceKind, NexusVibeError, type Room } from "@nexusvibe/client";
import i18next from "i18next";
import type { Equipment } from "../equipment.ts";
import { type Reaction, REACTION_TOPIC } from "../room/reactions.ts";

/** What a button or a key does in a call. None of them throws: what failed is told to the person. */
export type Actions = ReturnType<typeof actionsIn>;

export function actionsIn(room: Room, equipment: Equipment, tell: (sentence: string) => void) {
  const failed = (error: unknown) => tell(sentenceFor(error));
  const asked = (request: Promise<unknown>) => void request.catch(failed);
  return {
    failed,
    toggle: (kind: DeviceKind) => toggle(room, equipment, kind),
    share: () => {
      if (room.screenShare) room.screenShare.stop();
      else room.shareScreen().catch((error: unknown) => screenFailed(error, tell));
    },
    raiseHand: () => asked(room.raiseHand(room.me?.hand_raised_at == null)),
    react: (reaction: Reaction) => {
      room.sendMessage(REACTION_TOPIC, reaction).catch(() => tell(i18next.t("reaction.failed")));
    },
    lock: () => asked(room.setLocked(!room.state.policy.locked)),
    admit: (waiting: string) => asked(room.admit(waiting)),
    deny: (waiting: string) => asked(room.deny(waiting)),
    lowerHand: (person: string) => asked(room.lowerHand(person)),
    mute: (person: string) => asked(room.mute(person, "microphone")),
    stop: (person: string, source: "camera" | "screen") => {
      for (const track of room.state.tracks.values()) {
        if (track.participant === person && track.source === source) asked(room.stopTrack(track));
      }
    },
    makeModerator: (person: string) => asked(room.setPermissions(person, { moderate: true })),
    kick: (person: string) => asked(room.kick(person)),
    /** Without `seconds` for good. */
    ban: (person: string, device: boolean, seconds?: number) =>
      asked(room.ban(person, seconds === undefined ? { device } : { device, seconds })),
    leave: () => room.leave(),
  };
}

/** A device that is sent is muted; one that is there but not sent is sent; one that is missing is asked for. */
function toggle(room: Room, equipment: Equipment, kind: DeviceKind): void {
  const local = room.localTrack(kind);
  if (local) {
    equipment.set(kind, local.muted);
    room.setMuted(local, !local.muted);
    return;
  }
  equipment.set(kind, true);
  equipment.serve(room);
  void equipment.ask();
}

function screenFailed(error: unknown, tell: (sentence: string) => void): void {
  const code = error instanceof NexusVibeError ? error.code : "";
  if (code !== "screen_cancelled") {
    tell(code === "not_allowed" ? sentenceFor(error) : i18next.t("notice.screenFailed"));
  }
}

function sentenceFor(error: unknown): string {
  const code = error instanceof NexusVibeError ? error.code : "";
  if (code === "not_allowed") return i18next.t("notice.notAllowed");
  if (code === "rate_limited") return i18next.t("notice.rateLimited");
  return i18next.t("notice.failed");
}
