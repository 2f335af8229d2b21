"""How often a key may ask."""

import pytest

from control_plane.errors import RateLimited
from control_plane.http.limits import KeyLimits


async def test_a_key_that_asks_too_often_is_told_when_to_go_on_and_slows_nobody_else() -> None:
    limits = KeyLimits(per_minute=3)
    for _ in range(3):
        await limits.count("greedy")
    with pytest.raises(RateLimited) as refused:
        await limits.count("greedy")
    assert refused.value.retry_after_ms is not None
    assert 0 < refused.value.retry_after_ms <= 120_000
    await limits.count("modest")
