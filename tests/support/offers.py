"""What clients without a browser publish: descriptions just complete enough to be taken."""

from collections.abc import Mapping
from typing import Any

KINDS = {"camera": "video", "microphone": "audio", "screen": "video", "screen_audio": "audio"}


def offer(*sources: str, owner: str = "alice", negotiation: int = 1, epoch: int = 1) -> dict[str, Any]:
    """The fields of a `description` that publishes these sources, each as the track `t_OWNER_SOURCE`."""
    return {
        "epoch": epoch,
        "pc": "publisher",
        "negotiation": negotiation,
        "description": {"type": "offer", "sdp": sdp({str(mid): KINDS[each] for mid, each in enumerate(sources)})},
        "tracks": [
            {"id": track_id(owner, source), "mid": str(mid), "kind": KINDS[source], "source": source}
            for mid, source in enumerate(sources)
        ],
    }


def track_id(owner: str, source: str) -> str:
    return f"t_{owner}_{source}"


def sdp(kinds: Mapping[str, str]) -> str:
    """One m-section of each kind, by mid."""
    ice = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
    sections = (
        f"m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n{ice}a=sendonly\r\n"
        for mid, kind in kinds.items()
    )
    return "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + "".join(sections)
