"""TLS of a replica that no proxy stands before."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from media_adapters.wire.certificates import ServerCertificate


class CertificateUnusable(ValueError):
    """The sentence says what is wrong, and nothing of the key."""


@asynccontextmanager
async def serving_tls(certificate: Path | None, key: Path | None) -> AsyncIterator[ssl.SSLContext | None]:
    """What to serve with, or None for plain HTTP. Read again when a file changes, and at SIGHUP, until left.

    Raises `CertificateUnusable`.
    """
    if certificate is None and key is None:
        yield None
        return
    if certificate is None or key is None:
        raise CertificateUnusable("NEXUSVIBE_TLS_CERTIFICATE and NEXUSVIBE_TLS_KEY belong together.")
    try:
        served = ServerCertificate(certificate, key)
    except OSError as error:
        raise CertificateUnusable(f"The TLS certificate or key can't be used: {error.strerror or error}.") from error
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, served.reload)
    watching = asyncio.create_task(served.watch(), name="certificate")
    try:
        yield served.context
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
