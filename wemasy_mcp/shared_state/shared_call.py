"""A call as the replicas know it: where Redis holds what is known about it, and how its answer is sealed there.

The keys are derived from the account's token, which is not stored: without it neither can be made.
"""

import hashlib
import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wemasy_mcp.core import errors
from wemasy_mcp.core.errors import WemasyError
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.once.repeats import Answer, canonical
from wemasy_mcp.shared_state.repeat_scripts import LOST

PREFIX = "wemasy-mcp:repeat:"

GONE = "The replica of this server that made the call has gone, and what became of it is not known."


@dataclass(frozen=True, slots=True)
class SharedCall:
    """A call of an account."""

    key: str
    """The key of what Redis knows about it."""
    cipher: AESGCM

    @classmethod
    def of(cls, token: str, tool: str, body: bytes) -> "SharedCall":
        """Return the call of the account with this token."""
        secret = hashlib.blake2b(token.encode(), digest_size=32, person=b"repeats key").digest()
        known = hashlib.blake2b(tool.encode() + b"\0" + canonical(body), key=secret, digest_size=32).hexdigest()
        cipher = AESGCM(hashlib.blake2b(token.encode(), digest_size=32, person=b"repeats answer").digest())
        return cls(PREFIX + known, cipher)

    def sealed(self, answer: Answer, status: int | None) -> str:
        """Return the part of an answer that a result shows, and its HTTP status, encrypted."""
        if isinstance(answer, Reply):
            shown: dict[str, Any] = {"message": answer.message, "data": answer.data, "notes": answer.notes}
        else:
            shown = {
                "error": _published(type(answer)),
                "message": answer.message,
                "status": answer.status,
                "retry_after_seconds": answer.retry_after_seconds,
                "field_errors": answer.field_errors,
                "notes": answer.notes,
            }
        nonce = secrets.token_bytes(12)
        sealed = self.cipher.encrypt(nonce, json.dumps([status, shown]).encode(), self.key.encode())
        return b64encode(nonce + sealed).decode()

    def opened(self, text: bytes) -> tuple[Answer, int | None] | None:
        """Return the answer that was sealed for this very call, and its HTTP status; None for anything else."""
        if text == LOST.encode():
            return errors.ConnectionLost(GONE), None
        try:
            sealed = b64decode(text, validate=True)
            status, shown = json.loads(self.cipher.decrypt(sealed[:12], sealed[12:], self.key.encode()))
            notes = tuple(shown.pop("notes"))
            if (error := shown.pop("error", None)) is not None:
                return getattr(errors, error)(**shown, notes=notes), status
            return Reply(shown["message"], shown["data"], None, notes), status
        except (InvalidTag, ValueError, TypeError, LookupError, AttributeError):
            return None


def _published(error: type[WemasyError]) -> str:
    """Return the name in `core.errors` of an error's class, or of the nearest one that it is a kind of."""
    return next(kind.__name__ for kind in error.__mro__ if kind in vars(errors).values())
