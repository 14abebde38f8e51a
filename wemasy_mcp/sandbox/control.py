"""The routes under `/_sandbox`: the state, once or live, and the faults. None of them exists at the real API."""

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wemasy_mcp.sandbox.faults import MOST_PENDING, FaultOrder, Faults, TooManyFaults
from wemasy_mcp.sandbox.loopback import LoopbackOnly
from wemasy_mcp.sandbox.request_body import BodyTooLarge, read_body
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
            Route(path, call, methods=[method], middleware=[Middleware(LoopbackOnly)])
            for method, path, call in (
                ("GET", "/_sandbox/state", self.state),
                ("GET", "/_sandbox/events", self.events),
                ("GET", "/_sandbox/faults", self.pending),
                ("POST", "/_sandbox/faults", self.order),
                ("DELETE", "/_sandbox/faults", self.clear),
            )
        ]

    async def state(self, _: Request) -> Response:
        """Return what the sandbox holds."""
        return JSONResponse({**self._view.state(), "now": self._view.now()})

    async def events(self, _: Request) -> Response:
        """Return the same as a stream of server-sent events, as often as it changes."""
        if self._watchers.full:
            raise HTTPException(503, "Too many pages watch the sandbox.")
        return EventStream(self._watchers, self._view)

    async def pending(self, _: Request) -> Response:
        """Return the faults that are still to come."""
        return JSONResponse({"pending": pending(self._faults)})

    async def order(self, request: Request) -> Response:
        """Add faults; the body is a `FaultOrder`."""
        try:
            self._faults.order(FaultOrder.model_validate_json(await read_body(request)))
        except ValidationError as error:
            return _refused({".".join(map(str, item["loc"])) or "body": [item["msg"]] for item in error.errors()})
        except (TooManyFaults, BodyTooLarge):
            return _refused({"count": [f"At most {MOST_PENDING} faults can be pending."]})
        return await self._changed(request)

    async def clear(self, request: Request) -> Response:
        """Drop the faults that are still to come."""
        self._faults.clear()
        return await self._changed(request)

    async def _changed(self, request: Request) -> Response:
        self._watchers.wake()
        return await self.pending(request)


def _refused(errors: dict[str, list[str]]) -> Response:
    return JSONResponse({"message": "The fault was not ordered.", "errors": errors}, 422)
