import { expect, test } from "vitest";
import { invitationIn, readInvitation } from "../src/address.ts";

const read = (address: string) => readInvitation(new URL(address));

test("the token comes from the fragment, and the server is where the page came from", () => {
  expect(read("https://meet.example/app/#token=a.b.c")).toEqual({
    token: "a.b.c",
    name: null,
    room: null,
    servers: ["wss://meet.example/v1/signal"],
  });
  expect(read("http://127.0.0.1:8080/").token).toBeNull();
  expect(read("http://127.0.0.1:8080/#token=").token).toBeNull();
});

test("who is named by the token is named on the page", () => {
  const claims = btoa(String.fromCharCode(...new TextEncoder().encode('{"name":"Zoë ✓"}')));
  const payload = claims.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  expect(read(`https://meet.example/#token=h.${payload}.s`).name).toBe("Zoë ✓");
  expect(read("https://meet.example/#token=h.e30.s").name).toBeNull();
  expect(read("https://meet.example/#token=nonsense").name).toBeNull();
});

test("the room that an invitation opens is told to who brings it", () => {
  expect(read(`https://meet.example/#token=h.${btoa('{"room":"demo"}')}.s`).room).toBe("demo");
  expect(read(`https://meet.example/#token=h.${btoa('["room"]')}.s`).room).toBeNull();
});

test("what is pasted is a whole link with a token in it, or no invitation", () => {
  expect(invitationIn("  https://meet.example/#token=a.b.c\n")?.href).toBe(
    "https://meet.example/#token=a.b.c",
  );
  for (const text of ["", "demo", "https://meet.example/", "javascript:alert(1)#token=a.b.c"]) {
    expect(invitationIn(text)).toBeNull();
  }
});

test("further replicas of the host come first, each once", () => {
  const { servers } = read("http://127.0.0.1:1/?servers=ws://127.0.0.1:2,ws://127.0.0.1:1/v1/signal#token=x");
  expect(servers).toEqual(["ws://127.0.0.1:2/v1/signal", "ws://127.0.0.1:1/v1/signal"]);
});

test("a link can't send the token to another host, or over plain text from a secure page", () => {
  expect(read("http://meet.example/?servers=ws://evil.example/v1/signal#token=x").servers).toEqual([
    "ws://meet.example/v1/signal",
  ]);
  expect(read("https://meet.example/?servers=ws://meet.example:81#token=x").servers).toEqual([
    "wss://meet.example/v1/signal",
  ]);
});
