"""The fields of a request's body, read as PHP and Laravel do. A body that is not JSON has none."""

import json
from typing import Any

from starlette.requests import Request

from wemasy_mcp import strict_json

MAX_BODY = 8 * 1024 * 1024
"""Maximum bytes: PHP's default `post_max_size`."""


class BodyTooLargeError(Exception):
    """The body has more than `MAX_BODY` bytes."""


async def read_body(request: Request) -> bytes:
    """Return the body.

    Raises:
        BodyTooLargeError: The body is too large; the rest is not read.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise BodyTooLargeError
    return bytes(body)


def given_fields(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the fields of a JSON body; none if the content type or the text is not JSON, or it is not an object.

    Texts are kept unchanged: the API documents neither trimming nor reading an empty text as null.
    """
    # Laravel's `isJson`: "/json" or "+json" anywhere in the header.
    if "/json" not in content_type.lower() and "+json" not in content_type.lower():
        return {}
    try:
        given = json.loads(body.decode())
    except (ValueError, RecursionError):
        return {}
    # PHP does not accept lone surrogates, NaN or unlimited nesting.
    return given if isinstance(given, dict) and strict_json.is_json(given) else {}
