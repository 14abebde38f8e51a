"""The two pages of the API's documentation (docs/api.md), typed in by hand: the only second copy of the contract.

Nothing here is made from the package, so that an error in its models shows.
"""

from dataclasses import dataclass
from typing import Any

BASE_URL = "https://api.wemasy.nl/api"

REQUEST_HEADERS = {
    "authorization": "Bearer {token}",
    "accept": "application/json",
    "content-type": "application/json",
}


@dataclass(frozen=True)
class Field:
    """A row of a page's table of body parameters."""

    name: str
    type: str
    required: bool = False
    nullable: bool = False
    max_characters: int | None = None
    choices: tuple[str, ...] = ()
    example: Any = None


@dataclass(frozen=True)
class Member:
    """A member of `data` in the answer to a success."""

    name: str
    type: str
    nullable: bool = False


@dataclass(frozen=True)
class Operation:
    """One page."""

    tool: str
    """The name under which the published interface offers it."""
    method: str
    path: str
    fields: tuple[Field, ...]
    data: tuple[Member, ...]
    sample_answer: dict[str, Any]

    @property
    def sample_request(self) -> dict[str, Any]:
        """The page's example of a body."""
        return {field.name: field.example for field in self.fields}

    @property
    def url(self) -> str:
        """Where a request goes."""
        return f"{BASE_URL}/{self.path}"


UPDATE_CONNECTION = Operation(
    tool="wemasy_update_connection",
    method="POST",
    path="services/ai/v1/user/connections/update",
    fields=(
        Field("connection_id", "integer", required=True, example=5),
        Field("name", "string", required=True, max_characters=255, example="My OpenAI Production Key v2"),
        Field("model_name", "string", nullable=True, max_characters=255, example="gpt-4o-mini"),
    ),
    data=(Member("id", "integer"), Member("name", "string"), Member("model_name", "string", nullable=True)),
    sample_answer={
        "success": True,
        "message": "Connection updated successfully.",
        "data": {"id": 5, "name": "My OpenAI Production Key v2", "model_name": "gpt-4o-mini"},
    },
)

SAVE_MEMORY = Operation(
    tool="wemasy_save_memory",
    method="POST",
    path="services/ai/v1/memory/save",
    fields=(
        Field("kind", "string", required=True, choices=("fact", "vector"), example="fact"),
        Field("key", "string", nullable=True, example="company_primary_color"),
        Field("value", "string", nullable=True, example="#3B82F6"),
        Field("embedding", "string", nullable=True, example="[0.0231, -0.0412, 0.0891]"),
        # The table says "array"; every example is an object.
        Field("metadata", "object", nullable=True, example={"source": "brand_guidelines", "confidence": 0.95}),
    ),
    data=(Member("id", "integer"), Member("kind", "string"), Member("key", "string", nullable=True)),
    sample_answer={"success": True, "data": {"id": 12, "kind": "fact", "key": "company_primary_color"}},
)

OPERATIONS = (UPDATE_CONNECTION, SAVE_MEMORY)
"""In the order in which the tools are listed."""

TOOLS = [operation.tool for operation in OPERATIONS]
"""Every tool's name, as a client is told them."""

RATE_LIMIT_HEADERS = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "57"}

SAMPLE_ERRORS: dict[int, tuple[dict[str, Any], dict[str, str]]] = {
    401: ({"error": True, "message": "Unauthenticated."}, RATE_LIMIT_HEADERS),
    403: ({"error": True, "message": "This action is unauthorized."}, RATE_LIMIT_HEADERS),
    422: (
        {"message": "The name field is required.", "errors": {"name": ["The name field is required."]}},
        {},
    ),
    429: (
        {"error": True, "message": "Too Many Attempts."},
        {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "Retry-After": "60"},
    ),
}
"""Every other documented answer, the same on both pages: body and headers by status."""
