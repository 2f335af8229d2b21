"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) over HTTP: what is checked before anything is read, and
what is answered.

Every request but a browser's preflight shows a room token. Pages of any origin may do both: a token is shown
explicitly, no cookie speaks for its bearer.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import structlog
from aiohttp import web

from control_plane.access.tokens import VerifiedToken
from control_plane.errors import ControlPlaneError, Internal, InvalidDescription, InvalidRequest, InvalidToken, TooLarge
from control_plane.http.limits import KeyLimits
from control_plane.http.problems import problem_response
from control_plane.http.region import Locate, nowhere
from control_plane.whip.choice import Choice
from control_plane.whip.errors import PreconditionRequired, UnsupportedMediaType
from control_plane.whip.links import ice_links
from control_plane.whip.sdp import read_fragment, read_offer
from control_plane.whip.service import ANY_SESSION, Begun, WhipService
from media_adapters.models import MAX_SDP_CHARS

log = structlog.get_logger()

Verify = Callable[[str], Awaitable[VerifiedToken]]
Handle = Callable[[web.Request], Awaitable[web.Response]]

WHIP: Final = "/v1/whip"
WHEP: Final = "/v1/whep"
MAX_LISTED: Final = 16
SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
MAX_FRAGMENT: Final = 40_000
POSTS_PER_MINUTE: Final = 30
REQUESTS_PER_MINUTE: Final = 300
_SOURCES = {"camera": False, "screen": True}

_CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Patch, ETag, Link, Location, Retry-After, WWW-Authenticate",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
}


class WhipRoutes:
    """`verify` raises what verifying a room token raises; `locate` tells where a caller is."""

    def __init__(self, whip: WhipService, verify: Verify, locate: Locate = nowhere) -> None:
        self._whip = whip
        self._locate = locate
        self._verify = verify
        self._posts = KeyLimits(POSTS_PER_MINUTE, "token")
        self._requests = KeyLimits(REQUESTS_PER_MINUTE, "token")

    def mount(self, app: web.Application) -> None:
        self._mount(app, WHIP, self._publish)
        self._mount(app, WHEP, self._play)

    def _mount(self, app: web.Application, endpoint: str, post: Handle) -> None:
        """The two differ in what is posted; afterwards all is the same."""
        resource = f"{endpoint}/{{room}}/{{secret}}"
        app.router.add_post(endpoint, self._answering(post))
        app.router.add_get(endpoint, self._answering(self._nothing_there))
        app.router.add_options(endpoint, _options({"Accept-Post": SDP}, "GET, OPTIONS, POST"))
        app.router.add_patch(resource, self._answering(self._patch))
        app.router.add_delete(resource, self._answering(self._delete))
        app.router.add_get(resource, self._answering(self._nothing_to_see))
        app.router.add_options(resource, _options({"Accept-Patch": FRAGMENT}, "DELETE, GET, OPTIONS, PATCH"))

    async def _publish(self, request: web.Request) -> web.Response:
        token, shown = await self._bearer(request, self._posts)
        _expect_type(request, SDP)
        source = request.query.get("source", "camera")
        if source not in _SOURCES:
            raise InvalidRequest("source: camera or screen.")
        offer = read_offer(await _body(request, MAX_SDP_CHARS))
        screen, region = _SOURCES[source], self._locate(request)
        return _created(WHIP, await self._whip.publish(shown, token, offer, screen=screen, region=region))

    async def _play(self, request: web.Request) -> web.Response:
        token, shown = await self._bearer(request, self._posts)
        _expect_type(request, SDP)
        listed, participant = request.query.getall("track", []), request.query.get("participant")
        if len(listed) > MAX_LISTED or (listed and participant is not None):
            raise InvalidRequest(f"track: at most {MAX_LISTED}, and not besides participant.")
        offer = read_offer(await _body(request, MAX_SDP_CHARS), plays=True)
        choice = Choice(tuple(listed), participant)
        return _created(WHEP, await self._whip.play(shown, token, offer, choice, self._locate(request)))

    async def _patch(self, request: web.Request) -> web.Response:
        token, _ = await self._bearer(request, self._requests)
        secret = request.match_info["secret"]
        resource = await self._whip.find(token, request.match_info["room"], secret)
        _expect_type(request, FRAGMENT)
        condition = _condition(request)
        fragment = read_fragment(await _body(request, MAX_FRAGMENT))
        restarted = await self._whip.patch(resource, secret, condition, fragment)
        if restarted is None:
            return web.Response(status=204)
        etag, answer = restarted
        return web.Response(status=200, text=answer, content_type=FRAGMENT, headers={"ETag": etag})

    async def _delete(self, request: web.Request) -> web.Response:
        token, _ = await self._bearer(request, self._requests)
        found = await self._whip.find(token, request.match_info["room"], request.match_info["secret"])
        await self._whip.end(found)
        return web.Response(status=200)

    async def _nothing_there(self, request: web.Request) -> web.Response:
        """Nothing is shown at the endpoint (RFC 9725 §4.1)."""
        await self._bearer(request, self._requests)
        return web.Response(status=204)

    async def _nothing_to_see(self, request: web.Request) -> web.Response:
        """What goes on has nothing to show either; one that is over is not found."""
        token, _ = await self._bearer(request, self._requests)
        await self._whip.find(token, request.match_info["room"], request.match_info["secret"])
        return web.Response(status=204)

    async def _bearer(self, request: web.Request, limits: KeyLimits) -> tuple[VerifiedToken, str]:
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not shown.strip():
            raise InvalidToken("Show a room token, as `Authorization: Bearer …`.")
        token = await self._verify(shown.strip())
        await limits.count(token.id)
        return token, shown.strip()

    def _answering(self, handle: Handle) -> Handle:
        """Whatever comes of it is an answer that a page of another origin may read."""

        async def answer(request: web.Request) -> web.Response:
            try:
                response = await handle(request)
            except ControlPlaneError as error:
                response = problem_response(error)
                if error.retryable:
                    response.headers.setdefault("Retry-After", "1")
            except Exception:
                log.exception("whip_request_failed", method=request.method)
                response = problem_response(Internal("Something went wrong on our side."))
            response.headers.update(_CORS)
            return response

        return answer


def _created(endpoint: str, begun: Begun) -> web.Response:
    response = web.Response(status=201, text=begun.answer, content_type=SDP)
    response.headers["Location"] = f"{endpoint}/{begun.room}/{begun.resource}"
    response.headers["ETag"] = begun.etag
    response.headers["Accept-Patch"] = FRAGMENT
    _add_links(response, ice_links(begun.ice_servers))
    return response


def _options(accepts: Mapping[str, str], methods: str) -> Handle:
    """Also a browser's preflight, which shows no token and learns nothing that is not written here."""
    headers = {**_CORS, **_PREFLIGHT, **accepts, "Allow": methods, "Access-Control-Allow-Methods": methods}

    async def options(_: web.Request) -> web.Response:
        return web.Response(status=200, headers=headers)

    return options


def _expect_type(request: web.Request, expected: str) -> None:
    if request.content_type != expected:
        raise UnsupportedMediaType(f"This takes {expected}.")


def _condition(request: web.Request) -> str:
    condition = request.headers.get("If-Match", "").strip()
    if not condition:
        raise PreconditionRequired(f"Say with If-Match which ICE session this is about: its ETag, or {ANY_SESSION}.")
    return condition


async def _body(request: web.Request, limit: int) -> str:
    """At most `limit` bytes of UTF-8."""
    if (request.content_length or 0) > limit:
        raise TooLarge(f"This has at most {limit} bytes.")
    try:
        raw = await request.clone(client_max_size=limit).read()
        return raw.decode()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge(f"This has at most {limit} bytes.") from error
    except UnicodeDecodeError as error:
        raise InvalidDescription("SDP is UTF-8 text (RFC 8866 §4.6).") from error


def _add_links(response: web.Response, links: Iterable[str]) -> None:
    for link in links:
        response.headers.add("Link", link)
