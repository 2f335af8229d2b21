"""The agent as a process: `python -m media_adapters.agent`, configured by `NEXUSVIBE_NODE_…` (see settings)."""

import asyncio
import errno
import fcntl
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from media_adapters import logs
from media_adapters.agent.enrolment import enrol
from media_adapters.agent.errors import AgentFailed
from media_adapters.agent.heartbeat import Heartbeats
from media_adapters.agent.identity import read_settings, with_identity
from media_adapters.agent.own_certificate import own_certificate
from media_adapters.agent.preflight import check_media_ports, control_time
from media_adapters.agent.process import kill_leftover
from media_adapters.agent.server import NodeServer
from media_adapters.agent.service import AgentService
from media_adapters.agent.settings import AgentSettings
from media_adapters.agent.supervisor import AttachedSfu, OwnSfu, Sfu, Supervisor
from media_adapters.contract import MediaNode
from media_adapters.events import MediaEvent
from media_adapters.models import NodeDescription
from media_adapters.registry import Attachable, Backend, BackendSettings, BackendUnavailable, load_backend
from media_adapters.wire import BadKey, private_key, public_key
from media_adapters.wire.certificates import ServerCertificate
from media_adapters.wire.enrolment import EnrolmentToken

log = structlog.get_logger()


def main() -> int:
    try:
        settings, token = read_settings()
    except AgentFailed as failure:
        return _failed(str(failure))
    except ValidationError as error:
        return _failed("; ".join(_problem(detail["loc"], detail["msg"]) for detail in error.errors(include_url=False)))
    logs.configure(settings.log_level, settings.log_format)
    try:
        asyncio.run(_until_told(settings, token))
    except AgentFailed as failure:
        return _failed(str(failure))
    except BaseExceptionGroup as group:
        failures, others = group.split(AgentFailed)
        if failures is None or others is not None:
            raise
        return _failed(str(_first(failures)))
    return 0


async def _until_told(settings: AgentSettings, token: EnrolmentToken | None) -> None:
    """Run until SIGTERM or SIGINT, then stop in order."""
    running = asyncio.ensure_future(run(settings, token))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


async def run(settings: AgentSettings, token: EnrolmentToken | None = None) -> None:
    """The whole agent, until cancelled; with a `token` it enrols first, as soon as nothing else can go wrong.

    Raises `AgentFailed`, alone or in a group, with what to do about it.
    """
    keys = None if token else (_node_key(settings), _control_key(settings))
    try:
        backend = load_backend(settings.backend)
    except BackendUnavailable as error:
        raise AgentFailed(str(error)) from error
    with _only_agent_in(settings.run_dir) as sfu_dir:
        certificate = _certificate(settings)
        if settings.attach is None:
            await kill_leftover(_record_file(settings))
            check_media_ports(settings)
        if token is not None:
            settings = with_identity(settings, await enrol(settings, token))
        key, control_key = keys or (_node_key(settings), _control_key(settings))
        await _Agent(settings, key, control_key, certificate).serve(backend, sfu_dir)


@dataclass(frozen=True)
class _Agent:
    """A node that knows who it is. `certificate` is None on loopback, and where a proxy ends TLS."""

    settings: AgentSettings
    key: Ed25519PrivateKey
    control_key: Ed25519PublicKey
    certificate: ServerCertificate | None

    async def serve(self, backend: Backend, sfu_dir: Path) -> None:
        settings, service = self.settings, AgentService(room_lease=self.settings.room_lease)
        server = NodeServer(settings.id, self.key, self.control_key, service)
        ahead = await control_time(settings.control_urls)
        tls = self.certificate.context if self.certificate else None
        with _clear_port_errors(settings):
            async with server.listen(settings.host, settings.port, tls) as port, asyncio.TaskGroup() as parts:
                log.info("agent_listening", node=settings.id, port=port)
                heartbeats = self._heartbeats(port, service, ahead)
                watcher = _Parts(service, server, heartbeats)
                supervisor = Supervisor(_sfu(backend, settings, sfu_dir), watcher, record_file=_record_file(settings))
                parts.create_task(supervisor.run())
                parts.create_task(service.tend())
                parts.create_task(heartbeats.run())
                if self.certificate is not None:
                    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.certificate.reload)
                    parts.create_task(self.certificate.watch())

    def _heartbeats(self, port: int, service: AgentService, ahead: float) -> Heartbeats:
        settings, certificate = self.settings, self.certificate
        return Heartbeats(
            node=settings.id,
            url=settings.url(port),
            region=settings.region,
            capacity=settings.capacity,
            key=self.key,
            control_urls=settings.control_urls,
            interval=settings.heartbeat_interval,
            load=service.load,
            certificate=lambda: certificate.fingerprint if certificate else None,
            ahead=ahead,
        )


def _sfu(backend: Backend, settings: AgentSettings, sfu_dir: Path) -> Sfu:
    """Raises `AgentFailed` when the backend can't attach."""
    where = BackendSettings(
        run_dir=sfu_dir,
        media_address=settings.media_address,
        rtp_ports=settings.rtp_ports,
        options=settings.options,
    )
    if settings.attach is None:
        return OwnSfu(backend, where)
    if not isinstance(backend, Attachable):
        raise AgentFailed(f"The backend {backend.name} starts its media server itself: run it without attach.")
    return AttachedSfu(backend, where, settings.attach)


class _Parts:
    """Tells the agent's parts about the SFU's lives."""

    def __init__(self, service: AgentService, server: NodeServer, heartbeats: Heartbeats) -> None:
        self._service, self._server, self._heartbeats = service, server, heartbeats

    def sfu_up(self, media: MediaNode, description: NodeDescription) -> None:
        self._service.attach(media, description)
        self._heartbeats.sfu_up(description)
        for warning in description.warnings:
            log.warning("sfu_warning", warning=warning)
        log.info("sfu_ready", backend=description.backend, version=description.version)

    def sfu_event(self, event: MediaEvent) -> None:
        self._service.happened(event)

    def sfu_died(self, reason: str) -> None:
        self._service.detach()
        self._server.sfu_died(reason)


def _record_file(settings: AgentSettings) -> Path:
    return settings.run_dir / "sfu.json"


@contextmanager
def _only_agent_in(run_dir: Path) -> Iterator[Path]:
    """Hold `run_dir` against a second agent, which would kill our SFU as a leftover; yields the SFU's folder in it."""
    sfu_dir = run_dir / "sfu"
    try:
        sfu_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (run_dir / "agent.lock").open("w")
    except OSError as error:
        raise AgentFailed(f"The run_dir {run_dir} can't be used: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AgentFailed(f"Another agent runs in {run_dir}: stop it or set another run_dir.") from error
        yield sfu_dir


@contextmanager
def _clear_port_errors(settings: AgentSettings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f"Port {settings.port} on {settings.host}"
        if error.errno == errno.EADDRINUSE:
            raise AgentFailed(f"{where} is taken: stop what listens there or set NEXUSVIBE_NODE_PORT.") from error
        raise AgentFailed(f"{where} can't be listened on: {error.strerror}.") from error


def _node_key(settings: AgentSettings) -> Ed25519PrivateKey:
    try:
        return private_key(settings.key_file.read_bytes())
    except OSError as error:
        raise AgentFailed(f"The key file {settings.key_file} can't be read: {error.strerror}.") from error
    except BadKey as error:
        raise AgentFailed(f"The key file {settings.key_file} can't be used: {error}") from error


def _control_key(settings: AgentSettings) -> Ed25519PublicKey:
    try:
        return public_key(settings.control_public_key)
    except BadKey as error:
        raise AgentFailed(f"NEXUSVIBE_NODE_CONTROL_PUBLIC_KEY can't be used: {error}") from error


def _certificate(settings: AgentSettings) -> ServerCertificate | None:
    """None on loopback, and where a proxy ends TLS."""
    try:
        if settings.makes_certificate:
            return ServerCertificate(own_certificate(settings.state_dir))
        if settings.tls_certificate is not None:
            return ServerCertificate(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        raise AgentFailed(f"The TLS certificate or key can't be used: {error.strerror or error}.") from error
    return None


def _problem(where: tuple[int | str, ...], message: str) -> str:
    variable = f"NEXUSVIBE_NODE_{str(where[0]).upper()}: " if where else ""
    return variable + message.removeprefix("Value error, ")


def _first(group: BaseExceptionGroup[AgentFailed]) -> AgentFailed:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _failed(sentence: str) -> int:
    sys.stderr.write(f"nexusvibe node: {sentence}\n")
    return 1
