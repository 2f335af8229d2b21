"""Ports for servers that are told theirs before they start."""

import socket


def reserved_port() -> int:
    """A loopback port that the kernel gives to nobody else for a minute.

    A connection that the server's side closed first lingers on it (TIME_WAIT): no other socket gets the port by chance,
    and a server that asks for it (with SO_REUSEADDR, as servers do) does. Two test runs side by side never meet.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with socket.create_connection(listener.getsockname()):
            listener.accept()[0].close()
        port: int = listener.getsockname()[1]
        return port
