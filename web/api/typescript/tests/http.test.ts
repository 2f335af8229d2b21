import { describe, expect, test } from "vitest";
import { NexusVibe, Refused, Unreachable } from "../src/index.ts";

function answering(...answers: (Response | Error)[]): { asked: Request[]; nexusvibe: NexusVibe } {
  const asked: Request[] = [];
  const fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    asked.push(new Request(input, init));
    const answer = answers.shift() ?? new Error("nothing more was expected");
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { asked, nexusvibe: new NexusVibe("http://replica/", "nv_a_b", { fetch }) };
}

function problem(status: number, code: string, more: object = {}): Response {
  const body = { title: "", status, code, detail: "A sentence.", retryable: false, ...more };
  return Response.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

const TOKEN = { token: "t", room: "r", jti: "j", expires_at: 1 };

describe("What makes something", () => {
  test("is asked for again with the same idempotency key when its answer got lost", async () => {
    const { asked, nexusvibe } = answering(
      new Error("reset"),
      problem(503, "unavailable", { retryable: true, retry_after_ms: 1 }),
      Response.json(TOKEN),
    );
    expect(await nexusvibe.tokens.mint({ room: "r" })).toEqual(TOKEN);
    const keys = asked.map((request) => request.headers.get("Idempotency-Key"));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[\w-]{36}$/);
  });

  test("is given up after three attempts", async () => {
    const { asked, nexusvibe } = answering(new Error("1"), new Error("2"), new Error("3"));
    await expect(nexusvibe.tokens.mint({ room: "r" })).rejects.toBeInstanceOf(Unreachable);
    expect(asked).toHaveLength(3);
  });

  test("is not held up by a server that wants to be left alone for long", async () => {
    const { asked, nexusvibe } = answering(
      problem(429, "rate_limited", { retryable: true, retry_after_ms: 60_000 }),
    );
    await expect(nexusvibe.tokens.mint({ room: "r" })).rejects.toMatchObject({ retryAfterMs: 60_000 });
    expect(asked).toHaveLength(1);
  });
});

test("what is no question and makes nothing is asked once", async () => {
  const { asked, nexusvibe } = answering(new Error("reset"));
  await expect(nexusvibe.rooms.close("r")).rejects.toBeInstanceOf(Unreachable);
  expect(asked).toHaveLength(1);
});

test("names in paths stay names", async () => {
  const { asked, nexusvibe } = answering(new Response(null, { status: 204 }));
  await nexusvibe.rooms.close("../secret?");
  expect(asked[0]?.url).toBe("http://replica/v1/rooms/..%2Fsecret%3F/close");
});

test("a proxy's error page is an error of ours", async () => {
  const { nexusvibe } = answering(new Response("<h1>Teapot</h1>", { status: 418, statusText: "Teapot" }));
  const refusal = await nexusvibe.rooms.get("r").catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refused);
  expect(refusal).toMatchObject({ code: "not_from_the_api", status: 418, retryable: false });
});
