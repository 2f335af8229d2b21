"""What is read off the areas, where no whole replica is needed to show it."""

from pathlib import Path

from control_plane.clock import SystemClock
from control_plane.metrics import catalogue, sources
from control_plane.turn.credentials import OpaqueIds
from control_plane.turn.models import TurnServer
from control_plane.turn.secrets import SecretsFile, rotated, write
from control_plane.turn.service import TurnRelays


def test_relays_show_what_they_relayed_and_how_many_credentials_were_given_out(tmp_path: Path) -> None:
    secrets = tmp_path / "turn-secrets"
    write(secrets, rotated((), 1_700_000_000, delay=0, ttl=60))
    server = TurnServer(id="t1", host="relay.example.org", region="eu", udp=3478)
    turn = TurnRelays([server], SecretsFile(secrets), OpaqueIds("a key"), 60, SystemClock())
    turn.offer_to("somebody")
    turn.offer_to("somebody else")
    shown = dict(sources.relays(turn, {"t1": (5, 7)}))
    assert shown[catalogue.TURN_CREDENTIALS] == {(): 2}
    assert shown[catalogue.TURN_BYTES] == {("t1", "received"): 5, ("t1", "sent"): 7}
    assert shown[catalogue.TURN_SERVER_UP].keys() == {("t1", "eu", "udp")}
