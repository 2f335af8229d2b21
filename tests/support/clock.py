"""A clock that a test moves."""


class MovableClock:
    def __init__(self, seconds: float = 1_800_000_000.0) -> None:
        self.seconds = seconds

    def forward(self, seconds: float) -> None:
        self.seconds += seconds

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds
