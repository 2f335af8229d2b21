"""A suite that passes proves something only if it fails where it must: on adapters with one fault each."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).parent / "faulty_adapters.py"
ROOT = Path(__file__).parents[2]

CAUGHT_BY = {
    "ForgetsAnEvent": "test_a_closed_peer_is_gone_and_its_tracks_are_told_to_have_stopped",
    "MixesUpParticipants": "test_two_who_publish_at_once_are_not_mixed_up",
    "LeaksSessions": "test_a_closed_peer_is_gone_and_its_tracks_are_told_to_have_stopped",
    "IgnoresWhatItCanNot": "test_what_is_not_declared_is_refused_and_never_ignored",
    "DeclaresWhatItCanNot": "test_a_muted_track_is_silent_until_it_is_unmuted",
    "OffersTwice": "test_asking_again_for_what_flows_makes_no_offer",
    "SendsWhatIsPaused": "test_what_is_paused_is_not_sent_and_goes_on_with_a_key_frame_and_without_an_offer",
    "SendsTheBestLayer": "test_the_layer_that_is_asked_for_comes_and_another_without_an_offer",
    "ForgetsAnswers": "test_a_repeated_offer_gets_its_answer_again_and_an_older_one_is_stale",
    "TapsAnywhere": "test_a_tap_that_would_leave_the_node_is_refused",
    "SwallowsCancellation": "test_every_other_call_may_be_given_up_and_made_again",
}


@pytest.mark.timeout(300)
async def test_each_seeded_fault_fails_the_test_that_is_about_it_and_a_faithful_adapter_none() -> None:
    chosen = [f"{SUITE}::Test{fault}::{test}" for fault, test in CAUGHT_BY.items()]
    control = [f"{SUITE}::TestFaithful::{test}" for test in dict.fromkeys(CAUGHT_BY.values())]
    output = await _pytest(*chosen, *control)
    outcomes = dict(re.findall(r"::Test(\w+::\w+)\S* (PASSED|FAILED|SKIPPED)", output))
    failed = {name for name, outcome in outcomes.items() if outcome == "FAILED"}
    assert failed == {f"{fault}::{test}" for fault, test in CAUGHT_BY.items()}, output
    passed = {name for name, outcome in outcomes.items() if outcome != "FAILED"}
    assert passed == {f"Faithful::{test}" for test in CAUGHT_BY.values()}, output


async def _pytest(*nodes: str) -> str:
    """What a run of pytest by itself prints."""
    command = (sys.executable, "-m", "pytest", "-v", "--tb=short", "--show-capture=no", "-p", "no:cacheprovider")
    process = await asyncio.create_subprocess_exec(
        *command, *nodes, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return output.decode()
