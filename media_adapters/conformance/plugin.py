"""The pytest plugin (entry point `nexusvibe_conformance`): at the end of a run it shows what each adapter declares and
which tests were skipped and why. Imports nothing heavy: it is loaded by every pytest of an environment."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from media_adapters.models import NodeDescription

_OTHERS = (path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__init__", "plugin"))
pytest.register_assert_rewrite(*(f"{__package__}.{module}" for module in _OTHERS))

_SEEN = pytest.StashKey[dict[str, "NodeDescription"]]()
"""By the node id of the class that runs the suite."""


def remember(request: pytest.FixtureRequest, description: "NodeDescription") -> None:
    """Called by the suite once per class and media server."""
    request.config.stash.setdefault(_SEEN, {})[request.node.nodeid] = description


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    seen = config.stash.get(_SEEN, {})
    if not seen:
        return
    terminalreporter.section("media adapters: declared capabilities")
    for line in table(seen):
        terminalreporter.line(line)
    for report in terminalreporter.stats.get("skipped", ()):
        if any(report.nodeid.startswith(f"{nodeid}::") for nodeid in seen):
            terminalreporter.line(f"skipped {report.nodeid.partition('::')[2]}: {_reason(report.longrepr)}")


def table(seen: "dict[str, NodeDescription]") -> Iterable[str]:
    """A row per adapter, a column per capability."""
    from media_adapters.models import Capability  # noqa: PLC0415 - only runs of the suite pay for pydantic

    names = {nodeid: nodeid.rpartition("::")[2] for nodeid in seen}
    width = max(len(name) for name in names.values())
    yield f"{'':{width}}  {'backend':18}" + "".join(f"  {capability}" for capability in Capability)
    for nodeid, description in seen.items():
        backend = f"{description.backend} {description.version}"
        marks = ("yes" if capability in description.capabilities else "-" for capability in Capability)
        cells = "".join(f"  {mark:^{len(capability)}}" for mark, capability in zip(marks, Capability, strict=True))
        yield f"{names[nodeid]:{width}}  {backend:18}{cells}"


def _reason(longrepr: object) -> str:
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")
