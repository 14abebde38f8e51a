"""What the replicas of this server must be able to tell each other about repeats; `shared_state` implements it."""

from typing import Any, Protocol

from wemasy_mcp.once.repeats import Answer, Elsewhere


class Replicas(Protocol):
    """The knowledge about repeats that the replicas share. No method raises, and none but `wait` takes long."""

    def call(self, token: str, tool: str, body: bytes) -> Any:
        """Return the object that represents a call in every replica."""

    async def begin(self, call: Any, request_id: str, seconds: float) -> Elsewhere | None:
        """Return what is known about the call; None if the others cannot be asked.

        If no request is known, the one with this id counts as in progress here from now on, for at most `seconds`.
        """

    async def wait(self, call: Any, request_id: str, seconds: float) -> Elsewhere:
        """Return how the request that another replica has in progress ended; it may take `seconds`.

        There is no answer if that replica sent nothing, because its own caller gave up.
        """

    async def end(self, call: Any, request_id: str, answer: Answer, status: int | None) -> None:
        """Report how a request ended."""

    async def drop(self, call: Any, request_id: str) -> None:
        """Report that nothing was sent, because the caller gave up."""

    async def join(self, call: Any, request_id: str) -> None:
        """Record that a call here joined a request in progress here."""

    async def owe(self, call: Any, request_id: str, answer: Answer | None, status: int | None) -> bool:
        """Record that a call here did not get the answer, which may not be known yet; return whether it is recorded."""

    async def aclose(self) -> None:
        """Close the connection."""
