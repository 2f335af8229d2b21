"""Structured logs, for people (`console`) or machines (`json`), that can't tell who was in a call or how to get in.

Whoever logs is expected to pass no address, description or secret. What is here holds when somebody forgets, and for
what foreign libraries write: fields are dropped by name, texts are scrubbed, and of a foreign exception only its type
is kept, because its message quotes what it failed on (`ConnectionRefusedError` names the address).
"""

import errno
import ipaddress
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from types import TracebackType
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN: Final = "[hidden]"
_OUR_PACKAGES: Final = frozenset({"control_plane", "media_adapters"})
_MAX_DEPTH: Final = 6

# One word of a field's name is enough: `peer_address`, `resumeToken` and `ip` all hide their value.
_HIDDEN_WORDS: Final = frozenset(
    """
    sdp candidate candidates ufrag  token tokens jwt secret secrets password passwd pwd credential credentials
    authorization cookie  address addresses addr ip ips peername sockname remote
    """.split()  # noqa: SIM905 -- one word a line would hide the list in its own length
)
_HIDDEN_NAMES: Final = re.compile(r"(?:api|private|control|node|signing|encryption)_?key", re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_SDP: Final = re.compile(
    r"(?:^|[\s\"'])(?:v=0(?:\\r|\\n|\s)|m=(?:audio|video|application) \d|[oc]=.{0,80}IN IP[46] "
    r"|a=(?:ice-|candidate|fingerprint|setup|mid|msid|rtcp|rtpmap|fmtp|ssrc|extmap|group|send|recv|inactive))"
    r"|candidate:\S+ \d+ (?:udp|tcp) ",
    re.IGNORECASE,
)
_JWT: Final = re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")
_USERINFO: Final = re.compile(r"(?<=://)[^\s/@]+@")
_QUERY_SECRET: Final = re.compile(r"(?i)((?:token|secret|password|key|credential)=)[^\s&\"']+")
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])")


def configure(level: str = "info", style: str = "console", stream: TextIO | None = None) -> None:
    """Route structlog and the standard library's logging to `stream` (stderr). Call once, before anything is logged.

    `level` is a name of the logging module in any case. Foreign libraries never go below `info`: at `debug` they
    write whole frames. Raises `ValueError` with a sentence when `level` or `style` is none that exists.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"There is no log level {level!r}: use debug, info, warning or error.")
    if style not in {"console", "json"}:
        raise ValueError(f"There is no log format {style!r}: use console or json.")
    output = stream or sys.stderr
    renderer = _renderer(style, colors=output.isatty())
    structlog.configure(
        processors=[*_shared(style), structlog.processors.StackInfoRenderer(), hide_exception, redact, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(output, max(number, logging.INFO), [*_shared(style), _name_logger], renderer)
    sys.excepthook = _log_crash


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide fields that must not be told by their name, and scrub the texts of all others."""
    return {name: HIDDEN if _is_hidden(name) else _clean(value) for name, value in event.items()}


def hide_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Turn `exc_info` into a traceback that holds no message of a foreign exception."""
    exception = _exception(event.pop("exc_info", None))
    if exception is not None:
        event["exception"] = format_exception(exception)
    return event


def describe(exception: BaseException) -> str:
    """The exception in one line: its type, and its message if the message is ours."""
    kind = type(exception)
    if kind.__module__.partition(".")[0] in _OUR_PACKAGES:
        return f"{kind.__qualname__}: {scrub(str(exception))}"
    if isinstance(exception, OSError) and exception.errno is not None:
        return f"{kind.__qualname__} [{errno.errorcode.get(exception.errno, exception.errno)}]"
    return kind.__qualname__


def format_exception(exception: BaseException) -> str:
    """The traceback of `exception`, of what caused it and of the members of a group, each closed by `describe`."""
    parts = []
    earlier = exception.__cause__ or (None if exception.__suppress_context__ else exception.__context__)
    if earlier is not None:
        parts += [format_exception(earlier), "which led to"]
    parts += [scrub(line.rstrip("\n")) for line in traceback.format_tb(exception.__traceback__)]
    parts.append(describe(exception))
    if isinstance(exception, BaseExceptionGroup):
        parts += [f"one of the group:\n{format_exception(member)}" for member in exception.exceptions]
    return "\n".join(parts)


def scrub(text: str) -> str:
    """`text` without addresses, tokens and passwords in URLs; a text that quotes SDP is hidden as a whole."""
    if _SDP.search(text):
        return HIDDEN
    text = _USERINFO.sub("", _JWT.sub(HIDDEN, text))
    text = _QUERY_SECRET.sub(rf"\1{HIDDEN}", text)
    return _IPV4.sub(_hide_address, _IPV6.sub(_hide_address, text))


def _hide_address(match: re.Match[str]) -> str:
    try:
        ipaddress.ip_address(match[0])
    except ValueError:
        return match[0]
    return HIDDEN


def _is_hidden(name: str) -> bool:
    return not _HIDDEN_WORDS.isdisjoint(word.lower() for word in _WORD.findall(name)) or bool(
        _HIDDEN_NAMES.search(name)
    )


def _clean(value: object, depth: int = 0) -> object:
    """`value` in the few types that a renderer writes as they are."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseException):
        return describe(value)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_collection(value, depth + 1) if depth < _MAX_DEPTH else "…"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return scrub(str(value) if isinstance(value, str | PurePath) else repr(value))


def _clean_collection(values: Iterable[object], depth: int) -> object:
    if not isinstance(values, Mapping):
        return [_clean(item, depth) for item in values]
    return {scrub(str(name)): HIDDEN if _is_hidden(str(name)) else _clean(item, depth) for name, item in values.items()}


def _exception(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exception() if exc_info else None


def _shared(style: str) -> list[Processor]:
    stamper = structlog.processors.TimeStamper

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        stamper(fmt="iso", utc=True) if style == "json" else stamper(fmt="%H:%M:%S", utc=False),
    ]


def _renderer(style: str, *, colors: bool) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)


def _name_logger(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["logger"] = event["_record"].name
    return event


def _route_standard_logging(output: TextIO, level: int, before: list[Processor], renderer: Processor) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, hide_exception, redact, renderer],
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for talkative in ("aiohttp.access", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _log_crash(kind: type[BaseException], exception: BaseException, trace: TracebackType | None) -> None:
    if isinstance(exception, Exception):
        structlog.get_logger().critical("crashed", exc_info=exception)
    else:
        sys.__excepthook__(kind, exception, trace)
