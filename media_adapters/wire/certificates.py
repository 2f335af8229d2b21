"""The certificate that a server of ours shows, read again while it runs: new connections get the new one."""

import asyncio
import hashlib
import ssl
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger()

LOOK_EVERY_S: Final = 1.0


class ServerCertificate:
    """Certificate chain and private key in PEM files, or in one. `context` serves with what was read last."""

    def __init__(self, certificate: Path, key: Path | None = None) -> None:
        """Raises `OSError` (of which `ssl.SSLError` is one) when they can't be used."""
        self._certificate, self._key = certificate, key
        self._seen = self._stamp()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.fingerprint = self._load()
        """SHA-256 (hex) of the certificate itself."""

    def reload(self) -> bool:
        """Read the files again. False, and the one before goes on, when they can't be used."""
        try:
            self._seen = self._stamp()
            self.fingerprint = self._load()
        except OSError as error:
            log.warning("certificate_unusable", error=type(error).__name__)
            return False
        log.info("certificate_loaded", sha256=self.fingerprint[:16])
        return True

    async def watch(self) -> None:
        """Reload whenever a file has changed, until cancelled. Of a pair of which only one half is new yet, the one
        before goes on."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                changed = self._stamp() != self._seen
            except OSError:
                continue  # it is being replaced
            if changed:
                self.reload()

    def _load(self) -> str:
        """Tried apart first: a pair that does not fit would leave the living context without a key."""
        trial = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trial.load_cert_chain(self._certificate, self._key)
        pem = self._certificate.read_text()
        der = ssl.PEM_cert_to_DER_cert(_first_certificate(pem))
        self.context.load_cert_chain(self._certificate, self._key)
        return hashlib.sha256(der).hexdigest()

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        files = [file.stat() for file in (self._certificate, self._key) if file is not None]
        return tuple((status.st_mtime_ns, status.st_ino) for status in files)


def _first_certificate(pem: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    body = pem.partition(begin)[2].partition(end)[0]
    return f"{begin}{body}{end}\n"
