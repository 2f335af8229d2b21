"""Why a heartbeat is not taken. Only who holds the node's key is told more than that."""

from typing import ClassVar

from control_plane.errors import ControlPlaneError


class HeartbeatRefused(ControlPlaneError):
    """`event` and `reason` are for the replica's log, `sentence` for who sent it."""

    code, status = "invalid_heartbeat", 401
    event: ClassVar[str] = "heartbeat_refused"
    reason: ClassVar[str] = "not signed by a node that is known here"
    sentence: ClassVar[str] = "The heartbeat is not accepted."

    def __init__(self) -> None:
        super().__init__(self.sentence)


class WrongTime(HeartbeatRefused):
    code = "wrong_time"
    reason = "its time and ours differ by more than a minute"
    sentence = "This was made at another time than now; the answer says what time it is."


class NodePending(HeartbeatRefused):
    code, status = "node_pending", 403
    event, reason = "node_waits_for_approval", "it has enrolled, and nobody has approved it yet"
    sentence = "An operator has to approve this node."


class NodeRemoved(HeartbeatRefused):
    code, status = "node_removed", 403
    reason = "an operator has removed it"
    sentence = "An operator has removed this node."


class OtherRegion(HeartbeatRefused):
    code, status = "other_region", 403
    reason = "it says another region than the one that it enrolled for"
    sentence = "This node has enrolled for another region."


class StaleHeartbeat(HeartbeatRefused):
    code, status = "stale_heartbeat", 409
    reason = "its sequence was seen before"
    sentence = "A newer heartbeat is known."


class AnotherAgent(HeartbeatRefused):
    code, status = "another_agent", 409
    event, reason = "two_agents_with_one_key", "another one was started after this one, and is believed"
    sentence = "Another agent with this node's key was started later."
