"""The conformance suite's people, for tests that are about something else."""

from media_adapters.conformance.people import PATIENCE, Person, carried, peer_connection
from media_adapters.conformance.stage import Stage, stage

__all__ = ["PATIENCE", "Person", "Stage", "carried", "peer_connection", "stage"]
