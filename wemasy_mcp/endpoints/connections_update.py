"""POST services/ai/v1/user/connections/update: rename a stored model-provider connection and set its model."""

from pydantic import MISSING, Field

from wemasy_mcp.endpoints.arguments import Integer, ShortText
from wemasy_mcp.endpoints.base import Arguments, Data, Endpoint, Updates


class UpdateConnection(Arguments):
    """docs/api.md: what an omitted `model_name` does is undocumented; in Laravel omitted leaves it, null clears it."""

    connection_id: Integer = Field(description="Its id, e.g. 5. No tool lists ids: ask the user.")
    name: ShortText = Field(description="New name, at most 255 characters, e.g. Production key v2.")
    model_name: ShortText | MISSING | None = Field(
        default=MISSING,
        description="New model, at most 255 characters, e.g. gpt-4o-mini. Left out: not sent, and the stored model "
        "should stay. null: sent, and should clear it.",
    )


class Connection(Data):
    """A stored connection, as the API shows it."""

    id: int
    name: str
    model_name: str | None


CONNECTIONS_UPDATE = Endpoint(
    tool="wemasy_update_connection",
    title="Update AI connection",
    description="Rename a stored AI provider connection in Wemasy and optionally set its model. Without model_name the "
    "stored model should stay; null should clear it. The result's data shows what is stored now.",
    path="services/ai/v1/user/connections/update",
    arguments=UpdateConnection,
    data=Connection,
    done="updated",
    destructive=True,
    idempotent=True,
    effect=Updates(
        collection="connections",
        id_argument="connection_id",
        seeds=(
            {"id": 1, "name": "Marketing site assistant", "model_name": "gpt-4o-mini"},
            {"id": 2, "name": "Support chat", "model_name": "claude-haiku-4-5"},
            {"id": 3, "name": "Translations", "model_name": None},
            {"id": 5, "name": "My OpenAI Production Key", "model_name": "gpt-4o"},
        ),
        message="Connection updated successfully.",
    ),
    examples=({"connection_id": 5, "name": "My OpenAI Production Key v2", "model_name": "gpt-4o-mini"},),
)
