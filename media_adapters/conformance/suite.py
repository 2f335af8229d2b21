"""The whole suite. An integrator subclasses it and overrides one fixture; docs/integrator.md walks through it."""

from media_adapters.conformance.bad_input import BadInput
from media_adapters.conformance.base import Conformance
from media_adapters.conformance.cancellation import Cancellation
from media_adapters.conformance.capabilities import Capabilities
from media_adapters.conformance.crowd import Crowd
from media_adapters.conformance.layers import Layers
from media_adapters.conformance.loss import Loss
from media_adapters.conformance.pausing import Pausing
from media_adapters.conformance.playing import Playing
from media_adapters.conformance.publishing import Publishing
from media_adapters.conformance.rooms import Rooms
from media_adapters.conformance.subject import Leftovers, Start, Subject
from media_adapters.conformance.subscribing import Subscribing
from media_adapters.conformance.tapping import Tapping

__all__ = ["Conformance", "Leftovers", "MediaNodeConformance", "Start", "Subject"]


class MediaNodeConformance(
    Rooms,
    Publishing,
    Subscribing,
    Pausing,
    Layers,
    Playing,
    Capabilities,
    Tapping,
    BadInput,
    Cancellation,
    Crowd,
    Loss,
):
    """Every topic. Subclass a topic instead of this class while an adapter grows.

    A class that runs the suite is called `Test…` and overrides `sfu`:

        class TestExample(MediaNodeConformance):
            @pytest.fixture(scope="class")
            @classmethod
            def sfu(cls) -> Start:
                return running_example
    """
