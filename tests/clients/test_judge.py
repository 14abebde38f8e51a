"""What is read out of a client's line."""

import json
from typing import Any

import pytest

from .judge import frame, own_words, shown_results

RESULT = {"success": False, "error": {"code": "rejected", "message": "née ✗", "request_id": "2c2bd6b0"}}
COMPACT = json.dumps(RESULT, separators=(",", ":"), ensure_ascii=False)
WRAPPED = {"content": [{"type": "text", "text": COMPACT}], "structuredContent": RESULT}


@pytest.mark.parametrize(
    ("shown", "framed"),
    [
        (COMPACT, "the text"),
        (json.dumps({"error": COMPACT}), 'the text, as `{"error": "…"}`'),
        (
            json.dumps(WRAPPED),
            'the text, as `{"content": [{"type": "text", "text": "…"}], "structuredContent": …}`',
        ),
        (
            f"Error from MCP tool 'save': [TextContent(type='text', text={COMPACT!r})]",
            "the text, as `Error from MCP tool 'save': [TextContent(type='text', text='…')]`",
        ),
        (
            f"Wall time: 0.0140 seconds\nOutput:\n{COMPACT}",
            "the text, as `Wall time: … seconds Output: …`",
        ),
        (
            json.dumps({"output": f"<untrusted_context>\n{COMPACT}\n</untrusted_context>"}),
            'the text, as `{"output": "<untrusted_context>\\n…\\n</untrusted_context>"}`',
        ),
        (
            json.dumps({"error": f'for {{"key":"[1"}} with response: {json.dumps([{"text": COMPACT}])}'}),
            """the text, as `{"error": "for {\\"key\\":\\"[1\\"} with response: [{\\"text\\": \\"…\\"}]"}`""",
        ),
    ],
)
def test_a_models_result_is_found_in_its_wrapping_and_left_out_of_it(shown: str, framed: str) -> None:
    line = {"model": shown}

    assert shown_results(line) == [RESULT]
    assert frame(line) == framed


@pytest.mark.parametrize(
    ("line", "framed"),
    [
        ({"structured": RESULT, "text": COMPACT, "is_error": True}, "structured content and text, marked as an error"),
        ({"text": COMPACT, "is_error": False}, "text"),
        ({"exception": "ToolError: no"}, "an exception, `ToolError: no`"),
    ],
)
def test_a_programs_result_is_named_by_its_parts(line: dict[str, Any], framed: str) -> None:
    assert frame(line) == framed


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"waits": True}, ""),
        ({"exception": "Error: connect ECONNREFUSED 127.0.0.1:40123"}, "Error: connect ECONNREFUSED 127.0.0.1:…"),
        ({"model": "spawn /home/someone/bin/server\n  failed"}, "spawn …server failed"),
        ({"model": "a | `b` <Future at 0x7f1200>"}, "a / 'b' <Future at 0x…>"),
        ({"model": "a" * 120 + " and at last the reason: " + "b" * 80}, f"{'a' * 100}…at last the reason: {'b' * 80}"),
    ],
)
def test_a_clients_own_words_are_kept_without_what_differs_from_run_to_run(line: dict[str, Any], words: str) -> None:
    assert own_words(line) == words
