"""Reads a client's line: which result it shows, in what the client has wrapped it, and what it says of its own."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

ELLIPSIS = "…"

MAX_WORDS = 200
"""How many characters of a client's own words are kept."""

_IN_PYTHON = re.compile(r"""text=('\{"success".*?\}')""", re.DOTALL)

_OPENING = re.compile(r"[\[{]")

_NEW_EACH_TIME = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=Wall time: )[0-9.]+|(?<=127\.0\.0\.1:)[0-9]+|(?<=0x)[0-9a-f]+"
    r"|(?<![\w:/.-])/(?:[\w.@+-]+/)+"
)
"""Ids, durations, ports, addresses in memory and folders, which differ from run to run."""


def shown_results(line: dict[str, Any]) -> list[Any]:
    """Return the result as often as the line shows it: structured, as text, and as a model reads it."""
    shown = [line["structured"]] if line.get("structured") is not None else []
    return shown + [find_result(line[name]) for name in ("text", "model") if line.get(name) is not None]


def find_result(text: str) -> Any:
    """Return the result that a text holds, as JSON, as JSON inside JSON or among words; None without one."""
    try:
        found = json.loads(text)
    except ValueError:
        # Agno shows a model the Python objects of an error, others those of every result.
        written = _IN_PYTHON.search(text)
        return json.loads(ast.literal_eval(written[1])) if written else _among_words(text)
    return _inside(found)


def _among_words(text: str) -> Any:
    """The result around which a client has put words of its own, as Codex, Gemini CLI and LangChain.js do."""
    decoder = json.JSONDecoder()
    position = 0
    while opening := _OPENING.search(text, position):
        try:
            found, position = decoder.raw_decode(text, opening.start())
        except ValueError:
            position = opening.end()
            continue
        if (result := _inside(found)) is not None:
            return result
    return None


def _inside(found: Any) -> Any:
    if isinstance(found, dict) and "success" in found:
        return found
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    inner = (find_result(value) if isinstance(value, str) else _inside(value) for value in values)
    return next((result for result in inner if result is not None), None)


def frame(line: dict[str, Any]) -> str:
    """Say in what form the line shows its result, the result itself left out."""
    if line.get("model") is None:
        if "exception" in line:
            return f"an exception, `{own_words(line)}`"
        parts = [name for name, key in (("structured content", "structured"), ("text", "text")) if line.get(key)]
        return " and ".join(parts) + (", marked as an error" if line.get("is_error") else "")
    framed = str(line["model"])
    if (result := find_result(framed)) is not None:
        for form in _forms(result):
            framed = framed.replace(form, ELLIPSIS)
    return "the text" if framed == ELLIPSIS else f"the text, as `{_shorten(framed)}`"


def own_words(line: dict[str, Any]) -> str:
    """Return what a client says by itself when it has no result."""
    if line.get("waits"):
        return ""
    words = next((line[key] for key in ("exception", "model", "text") if line.get(key) is not None), "")
    return _shorten(str(words))


def _forms(result: Any) -> Iterator[str]:
    """Yield the ways in which clients write a result: as it is, as JSON inside JSON, and so twice."""
    written = {json.dumps(result, separators=(",", ":"), ensure_ascii=False), json.dumps(result, ensure_ascii=False)}
    written.add(json.dumps(result))
    for _ in range(3):
        yield from written
        written = {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for text in written for is_ascii in (True, False)}
    yield repr(result)


def _shorten(words: str) -> str:
    words = _NEW_EACH_TIME.sub(ELLIPSIS, " ".join(words.split())).replace("`", "'").replace("|", "/")
    # What is said last is often the reason.
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS // 2]}{ELLIPSIS}{words[-MAX_WORDS // 2 :]}"
