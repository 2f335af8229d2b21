"""What one replica has answered over HTTP since it began. Signaling counts for itself: its requests are messages."""

from collections import Counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from control_plane.http.problems import ERROR_CODE

UNKNOWN = "unknown"


class HttpTraffic:
    """`answers` by route, method and status; `errors` by the code of their problem. The route is the path as it was
    registered, `unknown` for what leads nowhere: whatever strangers ask for, there are no more keys than routes."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str, int]] = Counter()
        self.errors: Counter[str] = Counter()

    def middleware(self) -> Middleware:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                self._count(request, error.status)
                raise
            except Exception:
                self._count(request, 500)
                raise
            self._count(request, response.status)
            if ERROR_CODE in response:
                self.errors[response[ERROR_CODE]] += 1
            return response

        return count

    def _count(self, request: web.Request, status: int) -> None:
        resource = request.match_info.route.resource
        if resource is None:
            self.answers[UNKNOWN, UNKNOWN, status] += 1
        else:
            self.answers[resource.canonical, request.method, status] += 1
