"""HTTP/1.1 answers as bytes: the one builder of them."""

import json


def answer(
    status: int,
    body: object = b"",
    *headers: str,
    length: int | str | None = None,
    content_type: str = "application/json",
) -> bytes:
    """Return an answer; a `body` of bytes is taken as it is, and `length` replaces the true one."""
    content = body if isinstance(body, bytes) else as_json(body)
    lines = [
        f"HTTP/1.1 {status} Played",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(content) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + content


def as_json(body: object) -> bytes:
    """Return a body as the API sends it: characters as they are, but for half an emoji, which only an escape holds."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def success(request_key: str, *, record_id: int = 7) -> dict[str, object]:
    """Return the body of a success, with the documented members of either operation."""
    data = {"id": record_id, "kind": "fact", "key": request_key, "name": request_key, "model_name": None}
    return {"success": True, "message": "Done.", "data": data}


def head(*lines: str) -> bytes:
    """Return a status line of 200 and these headers, ended."""
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    """Return a chunk of a chunked body (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)
