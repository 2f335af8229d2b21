"""What a client that resumes is told to do about its connections."""

from typing import Literal

from control_plane.ids import Incarnation, ParticipantId, RoomId
from control_plane.rooms.repair import plan
from control_plane.signaling.messages import ConnectionState
from media_adapters.models import ConnectionStatus, PeerConnectionRole, PeerRef, PeerStatus, RoomRef

PUBLISHER, SUBSCRIBER = PeerConnectionRole.PUBLISHER, PeerConnectionRole.SUBSCRIBER
State = Literal["stable", "have-local-offer", "have-remote-offer", "closed"]


def client(pc: PeerConnectionRole, negotiation: int, state: State = "stable", epoch: int = 1) -> ConnectionState:
    return ConnectionState(epoch=epoch, pc=pc, negotiation=negotiation, signaling_state=state)


def node(publisher: int = 0, subscriber: int = 0, *, pending: bool = False) -> PeerStatus:
    peer = PeerRef(
        room=RoomRef(room=RoomId("r"), incarnation=Incarnation("i")), participant=ParticipantId("p"), epoch=1
    )
    return PeerStatus(
        peer=peer,
        publisher=ConnectionStatus(negotiation=publisher),
        subscriber=ConnectionStatus(negotiation=subscriber, pending=pending),
    )


def test_an_offer_without_an_answer_is_repeated_whether_or_not_it_arrived() -> None:
    for arrived in (node(publisher=1), node(publisher=2)):
        steps, lost = plan(1, [client(PUBLISHER, 2, "have-local-offer")], arrived)
        assert [step.action for step in steps] == ["repeat"]
        assert not lost


def test_a_first_offer_that_never_arrived_is_repeated_not_lost() -> None:
    steps, lost = plan(1, [client(PUBLISHER, 1, "have-local-offer")], None)
    assert [step.action for step in steps] == ["repeat"]
    assert not lost


def test_settled_connections_need_nothing() -> None:
    steps, lost = plan(1, [client(PUBLISHER, 2), client(SUBSCRIBER, 5)], node(publisher=2, subscriber=5))
    assert [step.action for step in steps] == ["none", "none"]
    assert not lost


def test_a_server_offer_that_the_client_never_saw_comes_again_by_itself() -> None:
    steps, lost = plan(1, [client(SUBSCRIBER, 4)], node(subscriber=5, pending=True))
    assert [step.action for step in steps] == ["none"]
    assert not lost


def test_media_that_the_node_forgot_is_lost() -> None:
    assert plan(1, [client(PUBLISHER, 2)], None)[1]
    assert plan(1, [client(PUBLISHER, 2)], node(subscriber=1))[1]
    assert plan(1, [client(SUBSCRIBER, 3)], node(publisher=1, subscriber=0))[1]


def test_connections_of_other_epochs_and_closed_ones_are_left_alone() -> None:
    connections = [client(PUBLISHER, 7, epoch=3), client(SUBSCRIBER, 2, "closed")]
    steps, lost = plan(1, connections, None)
    assert [step.epoch for step in steps] == [1]
    assert not lost
