// What somebody would build with Socket.IO: a room server that verifies the same tokens, keeps who is there in Redis,
// and tells the room, on any number of servers. Set up as fast as it goes: websockets only, no compression, the Redis
// adapter on ioredis, which puts what one tick says into one write, and the secret imported once.
//
// PORT, REDIS_PATH and TOKEN_SECRET say where and with what. Prints "ready" once it listens.

import { createServer } from "node:http";
import { createSecretKey } from "node:crypto";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";

const key = createSecretKey(Buffer.from(process.env.TOKEN_SECRET));
const redis = new Redis({ path: process.env.REDIS_PATH, enableAutoPipelining: true });
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  adapter: createAdapter(redis, redis.duplicate()),
});

io.use((socket, next) => {
  jwt.verify(
    socket.handshake.auth.token,
    key,
    { algorithms: ["HS256"], audience: "nexusvibe" },
    (error, claims) => {
      socket.data.claims = claims;
      next(error ?? undefined);
    },
  );
});

io.on("connection", async (socket) => {
  const { room, sub, name } = socket.data.claims;
  const person = { id: socket.id, identity: sub, name, joined_at: Date.now(), connected: true };
  const place = `presence:{${room}}`;
  socket.on("disconnect", async () => {
    await redis.hdel(place, socket.id);
    io.to(room).emit("participant.left", { participant: socket.id });
  });
  socket.on("message", ({ topic, text }) =>
    io.to(room).emit("message", { participant: socket.id, topic, text, sent_at: Date.now() }),
  );
  await socket.join(room); // before the others are read, so that nobody is missed
  await redis.hset(place, socket.id, JSON.stringify(person));
  const people = await redis.hvals(place);
  socket.emit("joined", { participant: person, participants: people.map((text) => JSON.parse(text)) });
  socket.to(room).emit("participant.joined", { participant: person });
});

http.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
