import { expect, test } from "vitest";
import { chooseReceivers, type TrackSupply } from "../src/remote-tracks.ts";
import { EMPTY_ROOM, replace } from "../src/state.ts";
import { SOMEBODY, snapshot } from "./replica.ts";

const participant = (id: string) => ({
  id,
  identity: id,
  name: id,
  joined_at: 0,
  ...SOMEBODY,
});
const track = (id: string, owner: string) => ({
  id,
  participant: owner,
  kind: "video" as const,
  source: "camera" as const,
  muted: false,
  simulcast: false,
});
const { state: room } = replace(EMPTY_ROOM, {
  ...snapshot,
  participants: [participant("me"), participant("bob")],
  tracks: [track("t_mine", "me"), track("t_bob", "bob")],
});

const receiver = (name: string) => ({ name }) as unknown as RTCRtpReceiver;
const older = receiver("older");
const newer = receiver("newer");

function supply(receivers: Record<string, RTCRtpReceiver>, flowing: readonly string[] = []): TrackSupply {
  return { tracks: new Map(Object.entries(receivers)), flows: (id) => flowing.includes(id) };
}

test("a track is shown as soon as a placement has it", () => {
  expect(chooseReceivers(room, "me", [supply({ t_bob: newer })]).get("t_bob")).toBe(newer);
});

test("while a call moves a track stays with the old placement until its media flow in the new one", () => {
  const old = supply({ t_bob: older }, ["t_bob"]);
  expect(chooseReceivers(room, "me", [supply({ t_bob: newer }), old]).get("t_bob")).toBe(older);
  expect(chooseReceivers(room, "me", [supply({ t_bob: newer }, ["t_bob"]), old]).get("t_bob")).toBe(newer);
});

test("a muted track, which flows nowhere, stays where it is until the old placement goes", () => {
  expect(chooseReceivers(room, "me", [supply({ t_bob: newer }), supply({ t_bob: older })]).get("t_bob")).toBe(
    older,
  );
  expect(chooseReceivers(room, "me", [supply({ t_bob: newer })]).get("t_bob")).toBe(newer);
});

test("one's own tracks, and tracks that the room does not know yet, are not shown", () => {
  const chosen = chooseReceivers(room, "me", [supply({ t_mine: newer, t_unknown: newer })]);
  expect(chosen.size).toBe(0);
});
