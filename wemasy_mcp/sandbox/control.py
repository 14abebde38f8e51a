"""The routes under `/_sandbox`: the state, once or live, and the faults. None of them exists at the real API."""

from pydantic import ValidationError
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wemasy_mcp.sandbox.faults import MAX_PENDING, FaultOrder, Faults, TooManyFaultsError
from wemasy_mcp.sandbox.loopback import LoopbackOnly
from wemasy_mcp.sandbox.request_body import BodyTooLargeError, read_body
from wemasy_mcp.sandbox.view import View, pending
from wemasy_mcp.sandbox.watchers import EventStream, Watchers


class Control:
    """Looks at the sandbox and orders faults."""

    def __init__(self, faults: Faults, view: View, watchers: Watchers) -> None:
        self._faults = faults
        self._view = view
        self._watchers = watchers

    def routes(self) -> list[Route]:
        """Return the routes, all of them for loopback only."""
        return [
            Route(path, call, methods=methods, middleware=[Middleware(LoopbackOnly)])
            for path, methods, call in (
                ("/_sandbox/state", ["GET"], self.state),
                ("/_sandbox/events", ["GET"], self.events),
                ("/_sandbox/faults", ["GET", "POST", "DELETE"], self.faults),
            )
        ]

    async def state(self, _: Request) -> Response:
        """Return what the sandbox holds."""
        return JSONResponse({**self._view.state(), "now": self._view.now()})

    async def events(self, _: Request) -> Response:
        """Return the same as a stream of server-sent events, as often as it changes."""
        if self._watchers.full:
            return JSONResponse({"message": "Too many pages watch the sandbox."}, 503)
        return EventStream(self._watchers, self._view)

    async def faults(self, request: Request) -> Response:
        """Return the faults that are still to come. POST adds some (its body is a `FaultOrder`), DELETE drops all."""
        if request.method == "DELETE":
            self._faults.clear()
            self._watchers.wake()
        if request.method == "POST":
            try:
                self._faults.order(FaultOrder.model_validate_json(await read_body(request)))
            except ValidationError as error:
                return _refused({".".join(map(str, item["loc"])) or "body": [item["msg"]] for item in error.errors()})
            except BodyTooLargeError:
                return _refused({"body": ["It is too large."]})
            except TooManyFaultsError:
                return _refused({"count": [f"At most {MAX_PENDING} faults can be pending."]})
            self._watchers.wake()
        return JSONResponse({"pending": pending(self._faults)})


def _refused(errors: dict[str, list[str]]) -> Response:
    return JSONResponse({"message": "The fault was not ordered.", "errors": errors}, 422)
