// A room's codecs as the router wants them.

import type { types } from "mediasoup";

const VIDEO_FEEDBACK: types.RtcpFeedback[] = [
  { type: "nack" },
  { type: "nack", parameter: "pli" },
  { type: "ccm", parameter: "fir" },
  { type: "goog-remb" },
  { type: "transport-cc" },
];

const video = (name: string, parameters: Record<string, unknown> = {}): types.RouterRtpCodecCapability => ({
  kind: "video",
  mimeType: `video/${name}`,
  clockRate: 90000,
  parameters,
  rtcpFeedback: VIDEO_FEEDBACK,
});

const audio = (name: string, clockRate: number, channels: number): types.RouterRtpCodecCapability => ({
  kind: "audio",
  mimeType: `audio/${name}`,
  clockRate,
  channels,
  rtcpFeedback: [{ type: "transport-cc" }],
});

const CODECS: Record<string, types.RouterRtpCodecCapability> = {
  opus: audio("opus", 48000, 2),
  pcmu: audio("PCMU", 8000, 1),
  pcma: audio("PCMA", 8000, 1),
  vp8: video("VP8"),
  vp9: video("VP9", { "profile-id": 0 }),
  // Constrained baseline, which every browser sends and takes, also on iOS.
  h264: video("H264", {
    "packetization-mode": 1,
    "level-asymmetry-allowed": 1,
    "profile-level-id": "42e01f",
  }),
  av1: video("AV1"),
};

/** In order of preference. Names that mediasoup does not know are left out, as SDP does with what one side lacks. */
export function routerCodecs(names: string[]): types.RouterRtpCodecCapability[] {
  return names.flatMap((name) => CODECS[name.toLowerCase()] ?? []);
}
