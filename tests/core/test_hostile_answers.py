"""Answers made to cost: the work is counted in characters that are cleaned, and never more than in proportion."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.wire import ENDPOINT, SAVE
from wemasy_mcp.core import answer_data, field_errors, protocol
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.core.protocol import read_reply
from wemasy_mcp.core.sanitize import sanitize

HOSTILE: dict[str, Callable[[int], tuple[int, Any]]] = {
    "texts of one field": lambda size: (422, {"errors": {"name": ["x" * 80] * (size // 84)}}),
    "texts of one long name": lambda size: (422, {"errors": {"n" * (size // 2): ["x"] * (size // 12)}}),
    "fields": lambda size: (422, {"errors": {f"field{number}": "x" for number in range(size // 18)}}),
    "fields below a long name": lambda size: (
        422,
        {"errors": {"n" * (size // 2): {f"field{number}": [] for number in range(size // 34)}}},
    ),
    "a long text": lambda size: (422, {"message": "\u202e" * (size // 3)}),
    "a long member": lambda size: (200, {"success": True, "data": {"id": 1, "kind": "k" * (size - 60), "key": None}}),
    "members": lambda size: (200, {"success": True, "data": {f"member{number}": 1 for number in range(size // 17)}}),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_costs_no_more_than_its_size(
    hostile: Callable[[int], tuple[int, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned = 0

    def counted(text: str, *rest: Any, **named: Any) -> str:
        nonlocal cleaned
        cleaned += len(text)
        return sanitize(text, *rest, **named)

    for module in (answer_data, field_errors, protocol):
        monkeypatch.setattr(module, "sanitize", counted)

    for size in (20_000, 200_000, 500_000):
        cleaned = 0
        status, answer = hostile(size)
        body = json.dumps(answer, ensure_ascii=False).encode()
        assert size / 2 < len(body) < size * 2
        try:
            read_reply(ENDPOINT[SAVE], status, {}, body, now=0)
        except WemasyError as error:
            assert len(str(error.field_errors)) < 60 * 5 * 600  # noqa: PT017 - both ends are right
        assert cleaned <= len(body)
