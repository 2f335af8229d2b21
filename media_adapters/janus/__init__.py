"""Janus (VideoRoom plugin) behind the media contract.

`backend` runs Janus on this machine, `client` speaks its websocket API, `adapter` is the `MediaNode`; per participant
there is one `publisher` handle and one multistream `subscriber` handle. Decisions without I/O: `transactions`, `sdp`,
`plan`.
"""

from media_adapters.janus.backend import JanusBackend

__all__ = ["JanusBackend"]
