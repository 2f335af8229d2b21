"""How this machine becomes a media node; `media_adapters.wire.enrolment` says what is asked and answered."""

import ipaddress
from typing import Final, TypeVar

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError
from yarl import URL

from media_adapters.agent.errors import AgentFailed
from media_adapters.agent.files import write_private
from media_adapters.agent.identity import Identity, key_file, save_identity
from media_adapters.agent.settings import AgentSettings
from media_adapters.models import Value
from media_adapters.wire import BadKey, new_private_key, private_key, public_key, public_text
from media_adapters.wire.enrolment import (
    CHALLENGE_PATH,
    ENROLMENT_PATH,
    ChallengeRequest,
    Enrolled,
    EnrolmentChallenge,
    EnrolmentToken,
    answer,
    is_from_control,
    is_ours,
)

log = structlog.get_logger()

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
_IMPOSTOR: Final = "is not the control plane whose key was given: check NEXUSVIBE_NODE_CONTROL_URLS (--control-url)."
ValueT = TypeVar("ValueT", bound=Value)


async def enrol(settings: AgentSettings, token: EnrolmentToken) -> Identity:
    """Make a key, prove it, and keep who we are from now on. Raises `AgentFailed`.

    Asked again with the same token, after an answer that got lost, it takes the same key.
    """
    url = settings.control_urls[0].rstrip("/")
    _expect_private(url)
    control = _control_key(settings.control_public_key)
    try:
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = _key(settings, token)
        outcome = await _introduce(url, token, key, control)
        identity = Identity(
            token_id=token.id,
            node=outcome.node,
            region=outcome.region,
            control_public_key=settings.control_public_key,
            control_urls=settings.control_urls,
            key=key_file(settings.state_dir, token.id).name,
        )
        save_identity(settings.state_dir, identity)
    except OSError as error:
        raise AgentFailed(f"The state_dir {settings.state_dir} can't be used: {error.strerror}.") from error
    log.info("node_enrolled", node=outcome.node, region=outcome.region, state=outcome.state, key=public_text(key))
    return identity


async def _introduce(url: str, token: EnrolmentToken, key: Ed25519PrivateKey, control: Ed25519PublicKey) -> Enrolled:
    asked = ChallengeRequest(token_id=token.id, public_key=public_text(key))
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        challenge = await _ask(session, url, CHALLENGE_PATH, asked, EnrolmentChallenge)
        if not is_ours(asked, challenge, control):
            raise AgentFailed(f"{url} {_IMPOSTOR}")
        request = answer(token, challenge, key)
        outcome = await _ask(session, url, ENROLMENT_PATH, request, Enrolled)
    if not is_from_control(outcome, request, control):
        raise AgentFailed(f"{url} {_IMPOSTOR}")
    return outcome


async def _ask(session: aiohttp.ClientSession, url: str, path: str, body: Value, model: type[ValueT]) -> ValueT:
    headers = {"Content-Type": "application/json"}
    try:
        async with session.post(f"{url}{path}", data=body.model_dump_json(), headers=headers) as response:
            text = await response.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise AgentFailed(f"The control plane at {url} can't be reached ({type(error).__name__}).") from error
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise AgentFailed(f"The control plane at {url} says: {_detail(text) or f'HTTP {response.status}'}") from error


class _Problem(Value):
    detail: str


def _detail(text: str) -> str:
    """The sentence of a problem (RFC 9457)."""
    try:
        return _Problem.model_validate_json(text).detail
    except ValidationError:
        return ""


def _key(settings: AgentSettings, token: EnrolmentToken) -> Ed25519PrivateKey:
    file = key_file(settings.state_dir, token.id)
    if not file.exists():
        write_private(file, new_private_key())
    try:
        return private_key(file.read_bytes())
    except BadKey as error:
        raise AgentFailed(f"The key file {file} can't be used: {error}") from error


def _control_key(text: str) -> Ed25519PublicKey:
    try:
        return public_key(text)
    except BadKey as error:
        raise AgentFailed(f"NEXUSVIBE_NODE_CONTROL_PUBLIC_KEY (--control-key) can't be used: {error}") from error


def _expect_private(url: str) -> None:
    """The token is a secret: it goes over TLS, or stays on this machine."""
    address = URL(url)
    try:
        local = ipaddress.ip_address(address.host or "").is_loopback
    except ValueError:
        local = address.host == "localhost"
    if address.scheme != "https" and not (address.scheme == "http" and local):
        raise AgentFailed(f"A node enrols over https; {url} would show its token to the network.")
