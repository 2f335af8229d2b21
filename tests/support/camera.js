// Runs in every page of a test before the page's own code: the fake camera is small and slow, so that many people's
// pictures can be encoded and decoded in software on two cores. What a test shows does not hang on the picture's size,
// or it gives the page `testCamera`: the browser's fake camera has one size for all windows, so a picture of another
// is painted.
(() => {
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  const small = { width: { exact: 320 }, height: { exact: 180 }, frameRate: 10 };

  const painted = ([width, height]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    let frame = 0;
    setInterval(() => {
      frame++;
      for (let stripe = 0; stripe < 16; stripe++) {
        context.fillStyle = `hsl(${stripe * 22 + frame} 60% 50%)`;
        context.fillRect((stripe * width) / 16, 0, width / 16 + 1, height);
      }
      context.fillStyle = "white";
      context.fillRect((frame * 16) % width, height / 3, height / 4, height / 4);
    }, 100);
    return canvas.captureStream(10).getVideoTracks()[0];
  };

  mediaDevices.getUserMedia = async (constraints) => {
    if (!constraints.video || !window.testCamera) {
      return getUserMedia({ ...constraints, video: constraints.video ? small : false });
    }
    const stream = constraints.audio ? await getUserMedia({ audio: constraints.audio }) : new MediaStream();
    stream.addTrack(painted(window.testCamera));
    return stream;
  };
})();
