/** What the address of the page says. The token is in the fragment, which no browser sends to a server. */

export interface Invitation {
  readonly token: string | null;
  /** The name that the token gives its bearer, who then chooses none. */
  readonly name: string | null;
  readonly room: string | null;
  /** Websocket URLs of the control plane, the first to be tried first. */
  readonly servers: readonly string[];
}

const PATH = "/v1/signal";

export function readInvitation(address: URL): Invitation {
  const token = new URLSearchParams(address.hash.slice(1)).get("token");
  const own = new URL(PATH, address);
  own.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const named = (address.searchParams.get("servers") ?? "")
    .split(",")
    .filter((server) => URL.canParse(server));
  const others = named.map((server) => new URL(server)).filter((server) => mayServe(server, address));
  const servers = [...others, own].map((server) => {
    if (server.pathname === "/") server.pathname = PATH;
    return server.href;
  });
  const shown = token === "" ? null : token;
  const claims = shown === null ? {} : claimsIn(shown);
  return {
    token: shown,
    name: textIn(claims, "name"),
    room: textIn(claims, "room"),
    servers: [...new Set(servers)],
  };
}

/** The address that an invitation leads to, given what somebody has pasted; null when it is none. */
export function invitationIn(text: string): URL | null {
  const trimmed = text.trim();
  if (!URL.canParse(trimmed)) return null;
  const link = new URL(trimmed);
  const isPage = link.protocol === "https:" || link.protocol === "http:";
  return isPage && readInvitation(link).token !== null ? link : null;
}

/** Read, not verified: it is only shown to who brought it. */
function claimsIn(token: string): object {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? claims : {};
  } catch {
    return {};
  }
}

function textIn(claims: object, claim: string): string | null {
  const value = new Map<string, unknown>(Object.entries(claims)).get(claim);
  return typeof value === "string" && value !== "" ? value : null;
}

/** A link may name further replicas of this host, and nobody else's server: it would be handed the token. */
function mayServe(server: URL, page: URL): boolean {
  const secureEnough = server.protocol === "wss:" || (server.protocol === "ws:" && page.protocol === "http:");
  return secureEnough && server.hostname === page.hostname;
}
