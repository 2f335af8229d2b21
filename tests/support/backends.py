"""The media servers that this repository has adapters for.

A test that takes `backend`, itself or through a fixture, runs once on each, without a branch in the test or in the
client. That is every test in which people in browsers use the whole system. Those that look into one media server, and
those for which a media server is no part of what they show, run once.
"""

import pytest

BACKENDS = ("janus", "mediasoup")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name under which the adapter is installed."""
    name: str = request.param
    return name
