"""ICE servers as `Link` headers (RFC 9725 §4.6, RFC 8288). No I/O."""

from collections.abc import Iterable, Iterator

from control_plane.signaling.messages import IceServer


def ice_links(servers: Iterable[IceServer]) -> Iterator[str]:
    """One value for each address of each server."""
    for server in servers:
        for url in server.urls:
            parts = [f"<{url}>", 'rel="ice-server"']
            if server.username is not None and server.credential is not None:
                parts += [
                    f"username={_quoted(server.username)}",
                    f"credential={_quoted(server.credential)}",
                    'credential-type="password"',
                ]
            yield "; ".join(parts)


def _quoted(text: str) -> str:
    """A quoted-string (RFC 9110 §5.6.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
