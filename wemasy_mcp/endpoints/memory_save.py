"""POST services/ai/v1/memory/save: store a fact or a vector in the assistant's memory."""

from typing import Literal

from pydantic import MISSING, Field

from wemasy_mcp.endpoints.arguments import NumberListText, ObjectOrList, TextOrNumber
from wemasy_mcp.endpoints.base import Arguments, Creates, Data, Endpoint


class SaveMemory(Arguments):
    """docs/api.md: `metadata` is called an array and shown as an object; PHP arrays are either, so both are sent."""

    kind: Literal["fact", "vector"] = Field(description="fact: a key and a value. vector: an embedding.")
    key: TextOrNumber | MISSING | None = Field(default=MISSING, description="Name, e.g. company_primary_color.")
    value: TextOrNumber | MISSING | None = Field(default=MISSING, description="What to remember, e.g. #3B82F6.")
    embedding: NumberListText | MISSING = Field(
        default=MISSING, description='JSON list of numbers as text, e.g. "[0.0231, -0.0412]".'
    )
    metadata: ObjectOrList | MISSING = Field(
        default=MISSING, description='Any object, e.g. {"source": "brand_guidelines"}.'
    )


class Memory(Data):
    """A stored memory, as the API shows it."""

    id: int
    kind: str
    key: str | None


MEMORY_SAVE = Endpoint(
    tool="wemasy_save_memory",
    title="Save memory",
    description="Save a fact or a vector in the Wemasy assistant's memory. Saving twice may store it twice.",
    path="services/ai/v1/memory/save",
    arguments=SaveMemory,
    data=Memory,
    done="saved",
    destructive=True,  # it is undocumented whether a key is overwritten: the safe reading
    idempotent=False,
    effect=Creates(collection="memories"),
    examples=(
        {
            "kind": "fact",
            "key": "company_primary_color",
            "value": "#3B82F6",
            "metadata": {"source": "brand_guidelines", "confidence": 0.95},
        },
        {"kind": "vector", "key": "brand_voice", "embedding": "[0.0231, -0.0412, 0.0891]"},
    ),
)
