/** What a person can do, by error code. Codes of mistakes in programs have none. */
const REMEDIES: Readonly<Record<string, string>> = {
  device_denied: "Allow it in the browser's settings for this site, next to the address, and try again.",
  device_denied_by_system: "Allow the browser to use it in the privacy settings of the system.",
  device_not_found: "Plug one in, or switch it on.",
  device_in_use: "Close other programs and pages that use it, and try again.",
  device_unsuitable: "Choose another one.",
  device_unsupported: "Open the page by https in a current browser.",
  screen_cancelled: "Choose a screen, window or tab.",
  device_failed: "Unplug it and plug it in again, or choose another one.",
  invalid_token: "Ask for a new invitation.",
  expired_token: "Ask for a new invitation.",
  kicked: "Ask who invited you for a new invitation.",
  banned: "Ask who runs the room.",
  room_full: "Try again when somebody has left.",
  room_locked: "Ask somebody in the room to unlock it.",
  lobby_full: "Try again later.",
  lobby_denied: "Ask who runs the room.",
  lobby_timeout: "Try again when somebody is there to let you in.",
  room_closed: "Join again.",
  replaced: "Go on in the other window, or join again here.",
  no_capacity: "Try again in a minute.",
  unavailable: "Try again in a minute.",
  internal: "Try again in a minute.",
  media_unavailable: "Try again in a minute.",
  issuer_unreachable: "Try again in a minute.",
  rate_limited: "Wait a moment.",
  server_unreachable: "Check your connection to the internet.",
  no_answer: "Check your connection to the internet.",
  connection_lost: "Check your connection to the internet.",
};

export function remedyFor(code: string): string {
  return REMEDIES[code] ?? "";
}
