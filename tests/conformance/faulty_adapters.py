"""The suite on Janus with one seeded fault each, run by `test_seeded_faults`. The first has none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import pytest

from media_adapters.conformance.suite import MediaNodeConformance, Start, Subject
from media_adapters.contract import MediaNode
from tests.conformance.test_janus import in_process
from tests.support import faulty

PATIENCE = 4.0


class Faulty(MediaNodeConformance):
    fault: type[faulty.Faithful]

    @pytest.fixture(scope="class")
    @classmethod
    def sfu(cls) -> Start:
        @asynccontextmanager
        async def start() -> AsyncIterator[Subject]:
            async with in_process() as subject:
                yield replace(subject, node=cast("MediaNode", cls.fault(subject.node)), patience=PATIENCE)

        return start


class TestFaithful(Faulty):
    fault = faulty.Faithful


class TestForgetsAnEvent(Faulty):
    fault = faulty.ForgetsAnEvent


class TestMixesUpParticipants(Faulty):
    fault = faulty.MixesUpParticipants


class TestLeaksSessions(Faulty):
    fault = faulty.LeaksSessions


class TestIgnoresWhatItCanNot(Faulty):
    fault = faulty.IgnoresWhatItCanNot


class TestDeclaresWhatItCanNot(Faulty):
    fault = faulty.DeclaresWhatItCanNot


class TestOffersTwice(Faulty):
    fault = faulty.OffersTwice


class TestSendsWhatIsPaused(Faulty):
    fault = faulty.SendsWhatIsPaused


class TestSendsTheBestLayer(Faulty):
    fault = faulty.SendsTheBestLayer


class TestForgetsAnswers(Faulty):
    fault = faulty.ForgetsAnswers


class TestTapsAnywhere(Faulty):
    fault = faulty.TapsAnywhere


class TestSwallowsCancellation(Faulty):
    fault = faulty.SwallowsCancellation
