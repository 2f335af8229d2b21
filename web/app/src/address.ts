/** What the address of the page says. The token is in the fragment, which no browser sends to a server. */

export interface Invitation {
  readonly token: string | null;
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
  return { token: token === "" ? null : token, servers: [...new Set(servers)] };
}

/** A link may name further replicas of this host, and nobody else's server: it would be handed the token. */
function mayServe(server: URL, page: URL): boolean {
  const secureEnough = server.protocol === "wss:" || (server.protocol === "ws:" && page.protocol === "http:");
  return secureEnough && server.hostname === page.hostname;
}
