"""The page at `/`: static files of this package that show the data of `/_sandbox/state`. They are not templates."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FILES = (
    ("/", "index.html", "text/html"),
    ("/_sandbox/page.css", "page.css", "text/css"),
    ("/_sandbox/page.js", "page.js", "text/javascript"),
    ("/_sandbox/icon.svg", "icon.svg", "image/svg+xml"),
)

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Headers sent with everything that a browser shows: stored values are foreign text."""


def page_routes() -> list[Route]:
    """Return the routes of the page and its files."""
    return [_route(path, name, media_type) for path, name, media_type in _FILES]


def _route(path: str, name: str, media_type: str) -> Route:
    content = (files("wemasy_mcp.sandbox") / "static" / name).read_bytes()

    async def show(_: Request) -> Response:
        return Response(content, headers=SECURITY_HEADERS, media_type=media_type)

    return Route(path, show, methods=["GET"])
