"""The page at `/`: static files of this package, which show what `/_sandbox/events` tells. Nothing is put into them."""

from importlib.resources import files

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wemasy_mcp.sandbox.loopback import LoopbackOnly

_FILES = (
    ("/", "index.html", "text/html"),
    ("/_sandbox/page.css", "page.css", "text/css"),
    ("/_sandbox/page.js", "page.js", "text/javascript"),
    ("/_sandbox/icon.svg", "icon.svg", "image/svg+xml"),
)


def page_routes() -> list[Route]:
    """Return the routes of the page and its files, for loopback only."""
    return [_route(path, name, media_type) for path, name, media_type in _FILES]


def _route(path: str, name: str, media_type: str) -> Route:
    content = (files("wemasy_mcp.sandbox") / "static" / name).read_bytes()

    async def show(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return Route(path, show, methods=["GET"], middleware=[Middleware(LoopbackOnly)])
