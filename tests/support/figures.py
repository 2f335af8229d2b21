"""Figures that fault tests take: printed as a table at the end, over as many rounds as `--rounds` says.

They are for people to compare with the control run beside them; a test asserts outcomes, not figures.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterator

import pytest

_TAKEN: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))


class Figures:
    """`figures("replica killed", resumed_ms=251, …)`"""

    def __call__(self, fault: str, **values: float) -> None:
        for name, value in values.items():
            _TAKEN[fault][name].append(value)


@pytest.fixture(scope="session")
def figures() -> Figures:
    return Figures()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, default=1, help="how often each fault is made (default: once)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    rounds = metafunc.config.getoption("--rounds")
    if rounds > 1 and metafunc.definition.get_closest_marker("faults"):
        metafunc.fixturenames.append("_round")
        metafunc.parametrize("_round", range(1, rounds + 1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _TAKEN:
        return
    terminalreporter.section("figures")
    terminalreporter.write_line(f"{'fault':28} {'figure':34} {'rounds':>6} {'median':>9} {'worst':>9}")
    for fault, name, values in _rows():
        terminalreporter.write_line(
            f"{fault:28} {name:34} {len(values):6} {statistics.median(values):9.0f} {max(values):9.0f}"
        )


def _rows() -> Iterator[tuple[str, str, list[float]]]:
    for fault, taken in _TAKEN.items():
        for name, values in taken.items():
            yield fault, name, values
