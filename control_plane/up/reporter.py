"""What a relay has to do with the control plane: it tells what it relayed, and cuts whom the control plane sends away.

Only the relay dials. Neither an outage of the control plane nor a lost answer makes it forget or count twice.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from pydantic import ValidationError

from control_plane.turn.console import Console
from control_plane.turn.coturn import Control
from control_plane.turn.ledger import Ledger
from control_plane.turn.reports import REPORT_PATH, Batch, Orders, Report, sign
from control_plane.turn.secrets import SecretsFile
from control_plane.turn.statistics import Heard, Started, listening
from control_plane.turn.usage import today
from control_plane.up.output import Printer

INTERVAL_S = 0.5
"""Between two reports, and so the longest that a cut waits for its relay to hear of it."""
TIMEOUT_S = 5.0
LAST_WORDS_S = 2.0
AGAIN_S = 1.0


class Reporter:
    """Runs while the context of `running` is open, which yields what coturn's configuration has to say of it."""

    def __init__(self, to: str, name: str, known: SecretsFile, printer: Printer) -> None:
        """Use `running`."""
        self._url = to + REPORT_PATH
        self._name = name
        self._run = secrets.token_hex(8)
        self._known = known
        self._printer = printer
        self._ledger = Ledger()
        self._batch: Batch | None = None
        self._cursor = 0
        self._problem = ""
        self._doomed: set[str] = set()
        self._condemned = asyncio.Event()
        self._console = Console(_free_port(), secrets.token_urlsafe(24))

    @classmethod
    @asynccontextmanager
    async def running(cls, to: str, name: str, known: SecretsFile, printer: Printer) -> AsyncIterator[Control]:
        reporter = cls(to, name, known, printer)
        console = reporter._console
        async with (
            listening(reporter.hear) as statistics,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as http,
        ):
            tasks = [asyncio.create_task(reporter._keep_telling(http)), asyncio.create_task(reporter._keep_cutting())]
            try:
                yield Control(statistics=statistics, cli_port=console.port, cli_password=console.password)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await reporter._tell_the_rest(http)

    def hear(self, heard: Heard) -> None:
        """coturn says something."""
        if isinstance(heard, Started):
            self._doomed.clear()
        self._doom(self._ledger.take(heard))

    def _doom(self, sessions: frozenset[str]) -> None:
        if sessions:
            self._doomed |= sessions
            self._condemned.set()

    async def _keep_cutting(self) -> None:
        while True:
            await self._condemned.wait()
            self._condemned.clear()
            doomed = frozenset(self._doomed)
            try:
                await self._console.cut(doomed)
            except (OSError, EOFError, TimeoutError) as error:
                self._printer.line("turn", f"coturn's command line does not answer ({type(error).__name__})")
                await asyncio.sleep(AGAIN_S)
                self._condemned.set()
            else:
                self._doomed -= doomed
                self._printer.line("turn", f"cut {len(doomed)} of people who were sent away")

    async def _keep_telling(self, http: aiohttp.ClientSession) -> None:
        while True:
            self._note(await self._tell(http))
            await asyncio.sleep(INTERVAL_S)

    async def _tell_the_rest(self, http: aiohttp.ClientSession) -> None:
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                while await self._tell(http) == "" and self._ledger.untold:
                    continue
        except TimeoutError:
            self._note("timeout")

    async def _tell(self, http: aiohttp.ClientSession) -> str:
        """Report once, and obey. What went wrong, as one word; nothing else is lost by it."""
        now = time.time()
        self._batch = self._batch or self._ledger.batch(today(now))
        report = Report(relay=self._name, run=self._run, time_ms=int(now * 1000), since=self._cursor, batch=self._batch)
        body, authorization = sign(report, self._known.known(), now)
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        try:
            async with http.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                if response.status != 200:
                    return f"status_{response.status}"
                orders = Orders.model_validate_json(await response.read())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return type(error).__name__
        except ValidationError:
            return "not_understood"
        self._batch = None
        self._cursor = orders.cursor
        self._doom(self._ledger.keep_out(orders.cut, now, orders.for_s))
        return ""

    def _note(self, problem: str) -> None:
        """Say it once, and once when it is over."""
        if problem and problem != self._problem:
            self._printer.line("turn", f"the control plane does not take reports ({problem}); they wait")
        elif self._problem and not problem:
            self._printer.line("turn", "the control plane takes reports again")
        self._problem = problem


def _free_port() -> int:
    """For coturn's command line. Who takes it before coturn does gets a password that is good for nothing else."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
