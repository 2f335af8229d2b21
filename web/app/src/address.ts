/** What the address of the page says. The token is in the fragment, which no browser sends to a server. */

export interface Invitation {
  readonly token: string | null;
  /** The name that the token gives its bearer, who then chooses none. */
  readonly name: string | null;
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
  return { token: shown, name: shown && nameIn(shown), servers: [...new Set(servers)] };
}

/** Read, not verified: it is only shown to who brought it. */
function nameIn(token: string): string | null {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    const { name } = JSON.parse(new TextDecoder().decode(bytes)) as { name?: unknown };
    return typeof name === "string" && name !== "" ? name : null;
  } catch {
    return null;
  }
}

/** A link may name further replicas of this host, and nobody else's server: it would be handed the token. */
function mayServe(server: URL, page: URL): boolean {
  const secureEnough = server.protocol === "wss:" || (server.protocol === "ws:" && page.protocol === "http:");
  return secureEnough && server.hostname === page.hostname;
}
