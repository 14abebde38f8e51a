"""The sandbox as one Starlette application, made from the endpoints. It needs no lifespan events."""

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.endpoints.base import Endpoint
from wemasy_mcp.sandbox.api import Operation
from wemasy_mcp.sandbox.budget import Budget
from wemasy_mcp.sandbox.contents import Contents
from wemasy_mcp.sandbox.control import Control
from wemasy_mcp.sandbox.faults import Faults
from wemasy_mcp.sandbox.journal import Journal
from wemasy_mcp.sandbox.no_route import NoRoute
from wemasy_mcp.sandbox.page import page_routes
from wemasy_mcp.sandbox.silence import Silence
from wemasy_mcp.sandbox.store import IN_MEMORY, Store
from wemasy_mcp.sandbox.view import View


def build_sandbox(
    database: str = IN_MEMORY,
    *,
    clock: Callable[[], float] = time.monotonic,
    endpoints: tuple[Endpoint, ...] = ENDPOINTS,
) -> Starlette:
    """Return an application that behaves like the API under `/api` and stores its records in `database`.

    `database` is the path of an SQLite file, or `:memory:`; `clock` counts seconds. `app.state` holds `store`, and
    `stop`, which ends the calls held open.

    Raises:
        SandboxDatabaseError: The file cannot be used.
    """
    contents = Contents(Store(database, endpoints), Budget(clock), Faults(), Journal(clock), clock)
    silence = Silence()
    no_route = NoRoute(contents.journal)
    app = Starlette(
        routes=[
            *(Operation(endpoint, contents).route(silence) for endpoint in endpoints),
            *Control(contents, View(endpoints, contents)).routes(),
            *page_routes(),
        ],
        exception_handlers={404: no_route.not_found, 405: no_route.wrong_method, ClientDisconnect: _nobody_there},
    )
    # Some clients would follow a redirect with GET, and the API never redirects.
    app.router.redirect_slashes = False
    app.state.store = contents.store
    app.state.stop = silence.end
    return app


async def _nobody_there(_: Request, __: Exception) -> Response:
    return Response(status_code=400)
