"""A model behind an OpenAI- or Anthropic-compatible endpoint, as the environment names it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2

from wemasy_mcp.urls import read_base_url

from .dialects import DIALECTS, Message, Reply, Speaks, Tool

VARIABLES = {
    "EVAL_MODEL_URL": "the endpoint's base URL: https://api.openai.com/v1, https://api.anthropic.com, or your own",
    "EVAL_MODEL_KEY": "its key; may be empty for an endpoint that needs none",
    "EVAL_MODEL": "the name of the model",
    "EVAL_DIALECT": "openai (Chat Completions, which is also the default) or anthropic (Messages)",
    "EVAL_MODEL_OPTIONS": 'members to add to each request, as a JSON object, such as {"temperature": 0}',
}

MAX_ATTEMPTS = 4
MAX_PAUSE_SECONDS = 30.0
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""What an endpoint answers when the same request may work a little later. Nothing is written there."""


class UnusableSettingError(Exception):
    """A variable is missing or cannot be used; `str()` of it says which and why."""


class ModelError(Exception):
    """The endpoint gave no reply; `str()` of it says why and may quote the endpoint."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is and how it is asked."""

    url: str
    key: str = field(repr=False)
    model: str
    dialect: Speaks
    options: Mapping[str, Any] = field(default_factory=dict)
    pause_seconds: float = 1.0
    """Before the second attempt; twice as long before each further one."""

    async def ask(
        self, http: httpx2.AsyncClient, system: str, messages: Sequence[Message], tools: Sequence[Tool]
    ) -> Reply:
        """Return what the model says next.

        Raises:
            ModelError: There is no reply, even after a few attempts.
        """
        url, headers = self.url + self.dialect.path, self.dialect.headers(self.key)
        body = {**self.dialect.body(self.model, system, messages, tools), **self.options}
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                answer = await http.post(url, json=body, headers=headers)
            except httpx2.TransportError as error:
                if attempt == MAX_ATTEMPTS:
                    raise ModelError(f"{self.url}: {type(error).__name__}: {error}") from error
                await anyio.sleep(self._pause(attempt, None))
                continue
            if answer.status_code == 200:
                return self._read(answer)
            if answer.status_code not in _PASSING or attempt == MAX_ATTEMPTS:
                raise ModelError(f"{self.url} answered {answer.status_code}: {answer.text[:300]}")
            await anyio.sleep(self._pause(attempt, answer.headers.get("retry-after")))
        raise AssertionError("every attempt returns or raises")

    def _read(self, answer: httpx2.Response) -> Reply:
        try:
            return self.dialect.reply(answer.json())
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ModelError(f"{self.url} answered in another dialect: {answer.text[:300]}") from error

    def _pause(self, attempt: int, asked: str | None) -> float:
        seconds = float(asked) if asked and asked.isdigit() else self.pause_seconds * 2 ** (attempt - 1)
        return min(seconds, MAX_PAUSE_SECONDS)


def read_endpoint(environment: Mapping[str, str]) -> Endpoint:
    """Return the endpoint that the environment names.

    Raises:
        UnusableSettingError: A variable is missing or cannot be used.
    """
    for name in ("EVAL_MODEL_URL", "EVAL_MODEL"):
        if not environment.get(name):
            raise UnusableSettingError(f"{name} is not set: {VARIABLES[name]}")
    try:
        url = read_base_url(environment["EVAL_MODEL_URL"], "https://api.openai.com/v1")
    except ValueError as error:
        raise UnusableSettingError(f"EVAL_MODEL_URL {error}") from error
    dialect = environment.get("EVAL_DIALECT") or "openai"
    if dialect not in DIALECTS:
        raise UnusableSettingError(f"EVAL_DIALECT must be one of {', '.join(DIALECTS)}")
    return Endpoint(
        url=url,
        key=environment.get("EVAL_MODEL_KEY", "").strip(),
        model=environment["EVAL_MODEL"],
        dialect=next(it for name, it in DIALECTS.items() if name == dialect),
        options=_options(environment.get("EVAL_MODEL_OPTIONS") or "{}"),
    )


def _options(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UnusableSettingError("EVAL_MODEL_OPTIONS must be a JSON object")
    return found
