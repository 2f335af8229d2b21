"""How a client that resumes completes what was interrupted. Pure: its state and the node's in, steps out."""

from collections.abc import Sequence

from control_plane.signaling.messages import ConnectionState, RepairStep
from media_adapters.models import PeerConnectionRole, PeerStatus


def plan(
    epoch: int, connections: Sequence[ConnectionState], status: PeerStatus | None
) -> tuple[tuple[RepairStep, ...], bool]:
    """The steps for each connection of this epoch, and whether the node lost what the client still holds.

    `status` None: the node does not know the peer. An offer of the client that may not have arrived is repeated; the
    node answers a repeated one again. The node repeats its own unanswered offer by itself when it is adopted.
    """
    mine = [connection for connection in connections if connection.epoch == epoch]
    lost = any(_lost(connection, status) for connection in mine)
    return tuple(_step(connection) for connection in mine), lost


def _step(connection: ConnectionState) -> RepairStep:
    interrupted = connection.signaling_state == "have-local-offer"
    action = "repeat" if connection.pc is PeerConnectionRole.PUBLISHER and interrupted else "none"
    return RepairStep.model_validate({"epoch": connection.epoch, "pc": connection.pc, "action": action})


def _lost(connection: ConnectionState, status: PeerStatus | None) -> bool:
    """Whether the client has completed a negotiation that the node knows nothing of."""
    publisher = connection.pc is PeerConnectionRole.PUBLISHER
    completed = connection.negotiation
    if publisher and connection.signaling_state == "have-local-offer":
        completed -= 1
    if connection.signaling_state == "closed" or completed <= 0:
        return False
    if status is None:
        return True
    if publisher:  # the client numbers these; one that failed leaves a hole
        return status.publisher.negotiation == 0
    return status.subscriber.negotiation < completed
