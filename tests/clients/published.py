"""The published interface, typed in: the two tools, and the whole results that they give."""

from typing import Any

from api_document import SAVE_MEMORY, UPDATE_CONNECTION

SAVE, UPDATE = SAVE_MEMORY.tool, UPDATE_CONNECTION.tool

JOINED = "The same call was already under way: it was not sent again, and this is its answer."

LIMITS = {"limit": 60, "remaining": 57}

MAY_BE_SAVED = (
    "It may or may not have been saved. Do not send it again: it could be stored twice. Tell the user that the outcome "
    "is unknown."
)


def memory(key: str) -> dict[str, Any]:
    """Return the arguments that save a memory under this key."""
    return {"kind": "fact", "key": key, "value": "#3B82F6"}


def saved(key: str, **more: Any) -> dict[str, Any]:
    """Return the result of saving a memory."""
    return {"success": True, "data": {"id": 7, "kind": "fact", "key": key}, "rate_limit": LIMITS} | more


def updated(name: str, **more: Any) -> dict[str, Any]:
    """Return the result of updating a connection, and taking its model away."""
    data = {"id": 5, "name": name, "model_name": None}
    return {"success": True, "message": "Connection updated.", "data": data, "rate_limit": LIMITS} | more


def failure(
    code: str, message: str, hint: str, *, rate_limit: dict[str, int] | None = None, **more: Any
) -> dict[str, Any]:
    """Return the result of a call that failed; nothing was saved unless `more` says otherwise."""
    error = {"code": code, "message": message, "outcome": "not_applied", "retryable": False} | more | {"hint": hint}
    return {"success": False, "error": error} | ({"rate_limit": rate_limit} if rate_limit else {})
