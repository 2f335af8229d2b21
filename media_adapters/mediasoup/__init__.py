"""mediasoup behind the media contract.

`backend` runs the bridge on this machine, a small Node.js process around the official library (`bridge/`), which runs
one media worker per core. `bridge_client` speaks to it, `adapter` is the `MediaNode`; per participant there is one
`publisher` and one `subscriber`. The bridge knows SDP and mediasoup, this side knows the contract.
"""

from media_adapters.mediasoup.backend import MediasoupBackend

__all__ = ["MediasoupBackend"]
