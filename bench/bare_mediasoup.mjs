// mediasoup with nothing around it but a socket that takes JSON lines: what NexusVibe is compared with.
// usage: node bare_mediasoup.mjs FOLDER, where FOLDER has mediasoup in its node_modules; prints its port.
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import readline from "node:readline";

const mediasoup = createRequire(path.join(path.resolve(process.argv[2]), "package.json"))("mediasoup");

const codec = {
  kind: "video",
  mimeType: "video/VP8",
  clockRate: 90000,
  preferredPayloadType: 96,
  rtcpFeedback: [{ type: "nack" }, { type: "nack", parameter: "pli" }],
};
const worker = await mediasoup.createWorker({ logLevel: "error" });
worker.on("died", () => process.exit(1));
const router = await worker.createRouter({ mediaCodecs: [codec] });
const server = await worker.createWebRtcServer({ listenInfos: [{ protocol: "udp", ip: "127.0.0.1" }] });
const transports = new Map();
const producers = new Map();

const handlers = {
  async transport() {
    const made = await router.createWebRtcTransport({ webRtcServer: server, initialAvailableOutgoingBitrate: 10 ** 8 });
    transports.set(made.id, made);
    const { fingerprints } = made.dtlsParameters;
    return { id: made.id, ice: made.iceParameters, candidates: made.iceCandidates, fingerprints };
  },
  async connect({ transport, fingerprints }) {
    await transports.get(transport).connect({ dtlsParameters: { role: "client", fingerprints } });
  },
  async produce({ transport, name, ssrc }) {
    const { mimeType, clockRate, rtcpFeedback } = codec;
    const rtpParameters = {
      codecs: [{ mimeType, clockRate, payloadType: 96, rtcpFeedback }],
      encodings: [{ ssrc }],
      rtcp: { cname: name },
    };
    producers.set(name, await transports.get(transport).produce({ kind: "video", rtpParameters }));
  },
  async consume({ transport, names }) {
    const { rtpCapabilities } = router;
    const consumers = names.map((name) =>
      transports.get(transport).consume({ producerId: producers.get(name).id, rtpCapabilities, paused: true }),
    );
    for (const consumer of await Promise.all(consumers)) await consumer.resume();
  },
};

const listener = net.createServer(async (socket) => {
  socket.on("error", () => socket.destroy());
  for await (const line of readline.createInterface({ input: socket })) {
    const { what, ...fields } = JSON.parse(line);
    const reply = await handlers[what](fields).then(
      (done) => ({ done: done ?? null }),
      (error) => ({ error: String(error) }),
    );
    socket.write(`${JSON.stringify(reply)}\n`);
  }
});
listener.listen(0, "127.0.0.1", () => console.log(listener.address().port));
