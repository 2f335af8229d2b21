import pytest

from control_plane.errors import RateLimited
from control_plane.rooms.allowance import Allowance


def test_a_burst_passes_then_one_at_a_time_and_the_refusal_says_when() -> None:
    allowance = Allowance(burst=2, rate=10)
    allowance.take(100.0)
    allowance.take(100.0)
    with pytest.raises(RateLimited) as refused:
        allowance.take(100.05)
    assert refused.value.retry_after_ms == 51
    allowance.take(100.101)
    with pytest.raises(RateLimited):
        allowance.take(100.101)


def test_what_was_not_used_is_saved_up_to_the_burst_only() -> None:
    allowance = Allowance(burst=2, rate=10)
    allowance.take(0.0)
    for _ in range(2):
        allowance.take(1000.0)
    with pytest.raises(RateLimited):
        allowance.take(1000.0)
