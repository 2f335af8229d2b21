"""What a client says of its device, kept as something that tells nothing.

A client's id is random, but whoever has read the page's storage could look for it in a database: so what is kept is
keyed with the service's secret.
"""

import hashlib
import hmac
from typing import NewType

DeviceHash = NewType("DeviceHash", str)


class Devices:
    def __init__(self, token_secret: str) -> None:
        self._root = hmac.digest(token_secret.encode(), b"nexusvibe: ids of devices", hashlib.sha256)

    def hash(self, device: str) -> DeviceHash:
        return DeviceHash(hmac.new(self._root, device.encode(), hashlib.sha256).hexdigest())
