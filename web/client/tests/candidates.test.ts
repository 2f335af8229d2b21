import { expect, test } from "vitest";
import { iceUfrag, LocalCandidates, RemoteCandidates } from "../src/candidates.ts";

type Said = [negotiation: number, candidate: string | undefined];

function remote() {
  const added: (string | undefined)[] = [];
  return { added, candidates: new RemoteCandidates((candidate) => added.push(candidate?.candidate)) };
}

function local() {
  const said: Said[] = [];
  const candidates = new LocalCandidates((negotiation, candidate) =>
    said.push([negotiation, candidate?.candidate]),
  );
  return { said, candidates };
}

test("candidates that come before their description wait for it, in order", () => {
  const { added, candidates } = remote();
  candidates.receive(1, { candidate: "a" });
  candidates.receive(2, { candidate: "b" });
  expect(added).toEqual([]);
  candidates.applied(1);
  expect(added).toEqual(["a"]);
  candidates.receive(1, null);
  candidates.applied(2);
  expect(added).toEqual(["a", undefined, "b"]);
});

test("a candidate of an earlier negotiation still counts while ICE has not been restarted", () => {
  const { added, candidates } = remote();
  candidates.applied(1);
  candidates.applied(2);
  candidates.receive(1, { candidate: "late" });
  expect(added).toEqual(["late"]);
  candidates.restarted(3);
  candidates.receive(2, { candidate: "void" });
  expect(added).toEqual(["late"]);
});

test("at most 64 candidates wait", () => {
  const { added, candidates } = remote();
  for (let count = 0; count < 100; count++) candidates.receive(1, { candidate: String(count) });
  candidates.applied(1);
  expect(added).toHaveLength(64);
});

test("our candidates follow their description, and are said again after a lost connection", () => {
  const { said, candidates } = local();
  candidates.gather({ candidate: "a" });
  expect(said).toEqual([]);
  candidates.described(1);
  candidates.gather(null);
  const all: Said[] = [
    [1, "a"],
    [1, undefined],
  ];
  expect(said).toEqual(all);
  candidates.replay();
  expect(said).toEqual([...all, ...all]);
});

test("a new offer without a restart does not repeat candidates; a restart makes them void", () => {
  const { said, candidates } = local();
  candidates.gather({ candidate: "a" });
  candidates.described(1);
  candidates.described(2);
  expect(said).toEqual([[1, "a"]]);
  candidates.restarted();
  candidates.gather({ candidate: "b" });
  candidates.replay();
  expect(said).toEqual([[1, "a"]]);
  candidates.described(3);
  expect(said).toEqual([
    [1, "a"],
    [3, "b"],
  ]);
});

test("the user name fragment is found in a session description", () => {
  expect(iceUfrag("v=0\r\na=ice-ufrag:4ZcD\r\na=ice-pwd:x\r\n")).toBe("4ZcD");
  expect(iceUfrag("v=0\r\n")).toBeUndefined();
});
