"""The routes under `/_sandbox`: the state, the records and the faults. The real API has none of them."""

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wemasy_mcp.sandbox.contents import Contents
from wemasy_mcp.sandbox.faults import MAX_PENDING, FaultOrder, TooManyFaultsError
from wemasy_mcp.sandbox.page import SECURITY_HEADERS
from wemasy_mcp.sandbox.request_body import BodyTooLargeError, read_body
from wemasy_mcp.sandbox.rules import as_integer
from wemasy_mcp.sandbox.view import View, pending


class Control:
    """Inspects the sandbox, empties it and orders faults."""

    def __init__(self, contents: Contents, view: View) -> None:
        self._store = contents.store
        self._faults = contents.faults
        self._view = view

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/_sandbox/state", self.state, methods=["GET"]),
            Route("/_sandbox/records", self.empty, methods=["DELETE"]),
            Route("/_sandbox/records/{collection}/{record}", self.record, methods=["GET"]),
            Route("/_sandbox/faults", self.faults, methods=["GET", "POST", "DELETE"]),
        ]

    async def state(self, _: Request) -> Response:
        """Return the sandbox's contents, with long values shortened."""
        return _json(self._view.state())

    async def record(self, request: Request) -> Response:
        """Return one complete record."""
        record_id = as_integer(request.path_params["record"]) or 0
        record = self._store.find(request.path_params["collection"], record_id)
        return _json({"message": "There is no such record."}, 404) if record is None else _json(record)

    async def empty(self, _: Request) -> Response:
        """Delete every record except those that a new sandbox has."""
        self._store.clear()
        return _json(self._view.state())

    async def faults(self, request: Request) -> Response:
        """Return the pending faults. POST adds some (its body is a `FaultOrder`); DELETE drops them all."""
        if request.method == "DELETE":
            self._faults.clear()
        if request.method == "POST":
            try:
                self._faults.order(FaultOrder.model_validate_json(await read_body(request)))
            except ValidationError as error:
                return _refused({".".join(map(str, item["loc"])) or "body": [item["msg"]] for item in error.errors()})
            except BodyTooLargeError:
                return _refused({"body": ["It is too large."]})
            except TooManyFaultsError:
                return _refused({"count": [f"At most {MAX_PENDING} faults can be pending."]})
        return _json({"pending": pending(self._faults)})


def _refused(errors: dict[str, list[str]]) -> Response:
    return _json({"message": "The fault was not accepted.", "errors": errors}, 422)


def _json(content: object, status: int = 200) -> Response:
    return JSONResponse(content, status, SECURITY_HEADERS)
