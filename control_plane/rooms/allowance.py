"""How often somebody may ask for what costs others something. Knows no clock: whoever asks brings the time."""

from dataclasses import dataclass, field

from control_plane.errors import RateLimited


@dataclass(slots=True)
class Allowance:
    """`burst` at once, and `rate` a second on average."""

    burst: float
    rate: float
    _left: float = field(init=False)
    _at: float | None = None

    def __post_init__(self) -> None:
        self._left = self.burst

    def take(self, now: float) -> None:
        """Use one up at `now` (monotonic seconds). Raises `RateLimited`."""
        if self._at is not None:
            self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            wait_ms = int((1 - self._left) / self.rate * 1000) + 1
            raise RateLimited(f"At most {self.rate:g} of these a second.", retry_after_ms=wait_ms)
        self._left -= 1
