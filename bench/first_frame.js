// Runs in a page before its own code: notes when, after the click on "Join", each step towards the first picture is done.
// Times are in ms since that click.
(() => {
  const marks = (window.benchMarks = {});
  let began = null;
  const mark = (name) => {
    if (began !== null) marks[name] ??= performance.now() - began;
  };
  const isJoin = (target) => target instanceof Element && target.closest("[data-testid=join]");
  addEventListener("click", ({ target }) => isJoin(target) && (began = performance.now()), { capture: true });

  const NativeSocket = window.WebSocket;
  window.WebSocket = class extends NativeSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("open", () => mark("websocket is open"));
      this.addEventListener("message", ({ data }) => {
        const { type, result, pc } = JSON.parse(data);
        if (type === "reply" && result?.type === "joined") mark("joined");
        if (type === "description" && pc === "subscriber") mark("offer of the others' media");
      });
    }
  };

  const NativeConnection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends NativeConnection {
    constructor(...args) {
      super(...args);
      this.addEventListener("track", () => {
        this.receives = true;
      });
      this.addEventListener("iceconnectionstatechange", () => {
        if (this.receives && ["connected", "completed"].includes(this.iceConnectionState)) mark("ICE is connected");
      });
      this.addEventListener("connectionstatechange", () => {
        if (this.receives && this.connectionState === "connected") mark("DTLS is connected");
      });
    }
  };

  const ofAnother = (video) => !["", window.benchMe].includes(video.closest("[data-identity]")?.dataset.identity ?? "");
  const watched = new WeakSet();
  const watch = (video) => {
    if (watched.has(video)) return;
    watched.add(video);
    const onFrame = () => (ofAnother(video) ? mark("first picture") : video.requestVideoFrameCallback(onFrame));
    video.requestVideoFrameCallback(onFrame);
  };
  new MutationObserver(() => document.querySelectorAll("video").forEach(watch)).observe(document, {
    childList: true,
    subtree: true,
  });
})();
