"""Two agents with one key, told from an agent that was started again."""

from control_plane.ids import NodeId
from control_plane.nodes.duplicates import ALIVE_S, Duplicates

N1 = NodeId("n1")
OLD, NEW = 1000, 2000


def test_a_restarted_agent_is_believed_at_once_whatever_its_clock_says() -> None:
    duplicates = Duplicates()
    assert duplicates.believes(N1, NEW, 0)
    assert duplicates.believes(N1, OLD, 1)
    assert duplicates.believes(N1, OLD, 2)


def test_the_one_started_last_wins_in_whatever_order_they_are_heard() -> None:
    for first, second in ((OLD, NEW), (NEW, OLD)):
        duplicates = Duplicates()
        duplicates.believes(N1, first, 0)
        duplicates.believes(N1, second, 0.5)
        believed = [(run, duplicates.believes(N1, run, 1 + at)) for at, run in enumerate((first, second) * 3)]
        assert set(believed) == {(NEW, True), (OLD, False)}


def test_the_other_is_believed_once_the_last_one_has_ended() -> None:
    duplicates = Duplicates()
    for at, run in enumerate((OLD, NEW, OLD)):
        duplicates.believes(N1, run, at)
    assert not duplicates.believes(N1, OLD, 3)
    assert duplicates.believes(N1, OLD, 1 + ALIVE_S + 3)


def test_nodes_have_nothing_to_do_with_each_other() -> None:
    duplicates = Duplicates()
    for at, run in enumerate((OLD, NEW, OLD)):
        duplicates.believes(N1, run, at)
    assert duplicates.believes(NodeId("n2"), OLD, 3)
