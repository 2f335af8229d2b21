// The Unix socket: lines in, lines out, both bounded.

import { createServer, type Server, type Socket } from "node:net";

import { type Event, MAX_LINE, parseRequest, type Reply } from "./protocol.ts";
import { Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { Workers } from "./workers.ts";

/** An adapter that leaves so much unread is dead or stuck. */
const MAX_UNREAD = 64 << 20;

/** An adapter asks something every other second; one that says nothing for so long owns nothing any more. */
const SILENT_MS = 25_000;

export async function serve(workers: Workers, settings: Settings): Promise<Server> {
  const sessions = new Set<Session>();
  workers.onDeath = (core) => sessions.forEach((session) => session.coreDied(core));
  const server = createServer((socket) => {
    const session = new Session(workers, settings, (event) => send(socket, event));
    sessions.add(session);
    const silence = setTimeout(() => socket.destroy(), SILENT_MS);
    socket.on("data", () => silence.refresh());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(silence);
      sessions.delete(session);
      session.close();
    });
    eachLine(socket, (line) => answer(socket, session, line));
  });
  process.umask(0o177); // for our own user alone
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(settings.socket, listening);
  });
  return server;
}

function answer(socket: Socket, session: Session, line: string): void {
  const request = parseRequest(line);
  if (request === null)
    socket.destroy(); // no adapter of ours talks like that
  else void session.perform(request).then((reply) => send(socket, reply));
}

function send(socket: Socket, message: Reply | Event): void {
  if (socket.destroyed) return;
  socket.write(`${JSON.stringify(message)}\n`);
  if (socket.writableLength > MAX_UNREAD) socket.destroy();
}

function eachLine(socket: Socket, handle: (line: string) => void): void {
  let rest: Buffer[] = [];
  let size = 0;
  socket.on("data", (chunk: Buffer) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1 && !socket.destroyed; end = chunk.indexOf(10, from)) {
      handle(Buffer.concat([...rest, chunk.subarray(from, end)]).toString());
      [rest, size, from] = [[], 0, end + 1];
    }
    rest.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_LINE) socket.destroy();
  });
}
