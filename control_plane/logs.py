"""Structured logs. Replicas and node agents are different programs with one rule for what no log may tell, so it is
kept where both can reach it."""

from media_adapters.logs import configure

__all__ = ["configure"]
