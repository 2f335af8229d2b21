from media_adapters.janus.transactions import Transactions


def test_a_plain_request_is_settled_by_its_ack() -> None:
    pending: Transactions[str] = Transactions()
    transaction = pending.begin("keepalive", plugin=False)
    assert pending.settle({"janus": "ack", "transaction": transaction}) == "keepalive"
    assert len(pending) == 0


def test_a_plugin_request_waits_for_its_event_on_either_side_of_the_ack() -> None:
    pending: Transactions[str] = Transactions()
    first, second = pending.begin("first", plugin=True), pending.begin("second", plugin=True)
    assert pending.settle({"janus": "ack", "transaction": first}) is None
    assert pending.settle({"janus": "event", "transaction": first}) == "first"
    assert pending.settle({"janus": "event", "transaction": second}) == "second"
    assert pending.settle({"janus": "ack", "transaction": second}) is None
    assert len(pending) == 0


def test_what_nobody_waits_for_settles_nothing() -> None:
    pending: Transactions[str] = Transactions()
    transaction = pending.begin("given up", plugin=True)
    pending.forget(transaction)
    pending.forget(transaction)
    assert pending.settle({"janus": "event", "transaction": transaction}) is None
    assert pending.settle({"janus": "event"}) is None


def test_two_clients_never_use_the_same_transaction() -> None:
    one: Transactions[str] = Transactions()
    other: Transactions[str] = Transactions()
    assert one.begin("a", plugin=True) != other.begin("a", plugin=True)


def test_draining_gives_every_slot_once() -> None:
    pending: Transactions[str] = Transactions()
    pending.begin("a", plugin=True)
    pending.begin("b", plugin=False)
    assert pending.drain() == ["a", "b"]
    assert pending.drain() == []
