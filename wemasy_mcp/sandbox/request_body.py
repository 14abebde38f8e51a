"""The fields of a request's body, read as PHP and Laravel read it. A body that is not JSON gives none."""

import json
from typing import Any

from starlette.requests import Request

from wemasy_mcp import strict_json

MAX_BODY = 8 * 1024 * 1024
"""Bytes; PHP's default `post_max_size`."""


class BodyTooLargeError(Exception):
    """The body has more than `MAX_BODY` bytes."""


async def read_body(request: Request) -> bytes:
    """Return the body.

    Raises:
        BodyTooLargeError: It is not read to its end.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise BodyTooLargeError
    return bytes(body)


def given_fields(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the fields that a JSON body gives; none if the content type or the text is not JSON, or not an object.

    Texts are kept as they are: the API documents neither trimming nor the reading of an empty text as null.
    """
    # Laravel's `isJson`: "/json" or "+json" anywhere in the header.
    if "/json" not in content_type.lower() and "+json" not in content_type.lower():
        return {}
    try:
        given = json.loads(body.decode())
    except (ValueError, RecursionError):
        return {}
    # PHP accepts neither lone surrogates nor NaN nor endless nesting.
    return given if isinstance(given, dict) and strict_json.is_json(given) else {}
