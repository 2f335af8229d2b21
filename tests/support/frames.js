// Runs in every page of a test before the page's own code: notes when each participant's picture showed a new frame.
// One series per participant, whatever video element carries it, so that a swap counts as the gap that a person sees.
(() => {
  const frames = new Map(); // identity → times of new frames, ms since the page began
  const watched = new WeakSet();

  const identityOf = (video) => video.closest("[data-identity]")?.dataset.identity;

  const note = (identity, now) => {
    if (!frames.has(identity)) frames.set(identity, []);
    frames.get(identity).push(now);
  };

  const watch = (video) => {
    if (watched.has(video)) return;
    watched.add(video);
    const onFrame = (now) => {
      const identity = identityOf(video);
      if (identity) note(identity, now);
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  };

  const lookForVideos = () => document.querySelectorAll("video").forEach(watch);
  new MutationObserver(lookForVideos).observe(document, { childList: true, subtree: true });
  window.testFrames = frames;
})();
