// Runs in every page of a test before the page's own code: the fake camera is small and slow, so that many people's
// pictures can be encoded and decoded in software on two cores. What a test shows does not hang on the picture's size.
(() => {
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  const small = { width: { exact: 320 }, height: { exact: 180 }, frameRate: 10 };
  mediaDevices.getUserMedia = (constraints) =>
    getUserMedia({ ...constraints, video: constraints.video ? small : false });
})();
