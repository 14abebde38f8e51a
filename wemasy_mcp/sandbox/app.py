"""The sandbox as one Starlette application, made from `ENDPOINTS`. It needs no lifespan events."""

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.sandbox.api import Operation
from wemasy_mcp.sandbox.budget import Budget
from wemasy_mcp.sandbox.control import Control
from wemasy_mcp.sandbox.faults import Faults
from wemasy_mcp.sandbox.journal import Journal
from wemasy_mcp.sandbox.silence import Silence
from wemasy_mcp.sandbox.store import IN_MEMORY, Store
from wemasy_mcp.sandbox.tokens import bearer_token
from wemasy_mcp.sandbox.view import View
from wemasy_mcp.sandbox.watchers import Watchers


def build_sandbox(database: str = IN_MEMORY, *, clock: Callable[[], float] = time.monotonic) -> Starlette:
    """Return an application that behaves like the API under `/api` and keeps what is written in `database`.

    `database` is the path of an SQLite file, or `:memory:`; `clock` counts seconds. `app.state` holds `store`, and
    `stop`, which ends the streams and calls that are held open.

    Raises:
        SandboxDatabaseError: The file cannot be used.
    """
    store = Store(database, ENDPOINTS)
    watchers = Watchers()
    journal = Journal(clock, watchers.wake)
    budget = Budget(clock)
    faults = Faults()
    silence = Silence()
    view = View(ENDPOINTS, store, budget, journal, faults, clock)

    async def no_route(request: Request, error: Exception) -> Response:
        return _no_route(request, error, journal)

    app = Starlette(
        routes=[
            *(Operation(endpoint, store, budget, faults, journal).route(silence) for endpoint in ENDPOINTS),
            *Control(faults, view, watchers).routes(),
        ],
        exception_handlers={HTTPException: no_route, ClientDisconnect: _nobody_there},
    )
    # A redirect would be followed with GET by some clients, and the API gives none.
    app.router.redirect_slashes = False
    app.state.store = store

    def stop() -> None:
        watchers.end()
        silence.end()

    app.state.stop = stop
    return app


def _no_route(request: Request, error: Exception, journal: Journal) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    message = error.detail
    if error.status_code == 404:
        message = f"The route {path.strip('/')} could not be found."
    elif error.status_code == 405:
        supported = (error.headers or {}).get("Allow", "")
        message = (
            f"The {request.method} method is not supported for route {path.strip('/')}. Supported methods: {supported}."
        )
    if not path.startswith("/_sandbox/"):
        token = bearer_token(request.headers.get("Authorization", ""))
        journal.note(request.method, path, token, error.status_code, message)
    return JSONResponse({"message": message}, error.status_code, headers=error.headers)


async def _nobody_there(_: Request, __: Exception) -> Response:
    return Response(status_code=400)
