import type { Participant, Room } from "@nexusvibe/client";
import { expect, test } from "vitest";
import { initialOf, peopleIn, placesInLine } from "../src/room/people.ts";

type Seen = Parameters<typeof peopleIn>[0];

const MAY = { publish: ["camera", "microphone"], subscribe: true, chat: true, moderate: false };

function person(id: string, more: Partial<Participant> = {}): Participant {
  const usual = {
    id,
    identity: id,
    name: id,
    joined_at: 0,
    connected: true,
    client: "app",
    permissions: MAY,
  };
  return { ...usual, ...more } as Participant;
}

function room(
  people: Participant[],
  more: { me?: string; tracks?: object[]; local?: object[]; remote?: object } = {},
): Seen {
  return {
    me: people.find(({ id }) => id === more.me) ?? null,
    state: {
      participants: new Map(people.map((one) => [one.id, one])),
      tracks: new Map((more.tracks ?? []).map((track) => [(track as { id: string }).id, track])),
    },
    localTracks: more.local ?? [],
    remoteTracks: new Map(Object.entries(more.remote ?? {})),
  } as unknown as Pick<Room, "me" | "state" | "localTracks" | "remoteTracks">;
}

test("who raised their hand first is the first in line, and who did not is in no line", () => {
  const hand = (id: string, at?: number) => ({ id, hand_raised_at: at }) as Participant;
  const people = [hand("late", 9), hand("silent"), hand("b", 5), hand("a", 5)];
  expect([...placesInLine(people)]).toEqual([
    ["a", 1],
    ["b", 2],
    ["late", 3],
  ]);
});

test("oneself comes first, then the others as they came", () => {
  const people = [
    person("late", { joined_at: 9 }),
    person("me", { joined_at: 5 }),
    person("early", { joined_at: 1 }),
  ];
  expect(peopleIn(room(people, { me: "me" })).map(({ id }) => id)).toEqual(["me", "early", "late"]);
});

test("somebody's picture is known by what the room says and by what has arrived", () => {
  const camera = { id: "t_c", participant: "bob", source: "camera", muted: false };
  const screen = { id: "t_s", participant: "bob", source: "screen", muted: false };
  const mic = { id: "t_m", participant: "bob", source: "microphone", muted: true };
  const picture = {} as MediaStreamTrack;
  const [bob] = peopleIn(
    room([person("bob")], { tracks: [camera, screen, mic], remote: { t_c: { mediaTrack: picture } } }),
  );
  expect(bob).toMatchObject({
    camera: { track: picture, id: "t_c", on: true },
    screen: { track: null, id: "t_s", on: true },
    microphoneOn: false,
  });
});

test("of oneself the camera is shown, and never the own screen, which would show itself", () => {
  const local = [
    { source: "camera", muted: true, mediaTrack: {} },
    { source: "screen", muted: false, mediaTrack: {} },
  ];
  const [me] = peopleIn(room([person("me")], { me: "me", local }));
  expect(me).toMatchObject({ self: true, camera: { id: null, on: false }, screen: null });
});

test("roles follow from what somebody may do, and from what they come with", () => {
  const roles = peopleIn(
    room([
      person("a", { permissions: { ...MAY, moderate: true } as Participant["permissions"] }),
      person("b", { permissions: { ...MAY, publish: [] } as unknown as Participant["permissions"] }),
      person("c", { client: "whip" }),
      person("d", { client: "whep" }),
      person("e"),
    ]),
  ).map(({ role }) => role);
  expect(roles).toEqual(["moderator", "viewer", "encoder", "player", null]);
});

test("an initial is what people see as one letter", () => {
  expect(["ann", "Éva", "👩‍🚀 Zoë", ""].map(initialOf)).toEqual(["A", "É", "👩‍🚀", "?"]);
});
