"""An agent that runs no more but is not dead: nobody's media outlive it, and when it wakes the call goes on."""

import time

import pytest

from tests.support.browser import People
from tests.support.figures import Figures
from tests.support.replica import running_system
from tests.support.sfu import inside

pytestmark = [pytest.mark.browser, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]

WITHOUT_CONTACT_S = 40.0


@pytest.mark.timeout(180)
async def test_media_of_a_frozen_agent_end_and_begin_again_when_it_wakes(
    people: People, figures: Figures, backend: str
) -> None:
    async with running_system(backend, spare=0) as system, inside(backend, system.folder / "node1") as server:
        alice, bob = [await people.arrives(name) for name in ("alice", "bob")]
        await alice.joins(system.replicas[0], "demo")
        await bob.joins(system.replicas[0], "demo")
        await alice.sees("bob")
        await bob.sees("alice")

        began = time.monotonic()
        system.nodes[0].freeze()
        await server.has_no_media(WITHOUT_CONTACT_S)  # the media server itself is not frozen: it ends what nobody owns
        figures("agent frozen", media_ended_after_ms=(time.monotonic() - began) * 1000)

        system.nodes[0].thaw()
        await alice.sees("bob")
        await bob.sees("alice")
