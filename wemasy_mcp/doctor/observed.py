"""The observed course of the one request: the peer it contacted, the handshake, the step that failed."""

from asyncio import CancelledError
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from wemasy_mcp.core.client import Attempt
from wemasy_mcp.system_error import reason_of

E = TypeVar("E", bound=BaseException)


@dataclass(slots=True)
class Observed(Attempt):
    """An attempt that keeps what httpx2's trace events report, so that the checks judge the request itself."""

    contacted: tuple[str, int] | None = None
    """The host and port of the TCP connection: the API's or the proxy's."""
    address: str | None = None
    """The network address that answered."""
    tls_version: str | None = None
    certificate: bytes | None = None
    """The certificate that was accepted, as DER."""
    proxy_status: int | None = None
    """The proxy's answer to CONNECT."""
    broken_at: str | None = None
    """The step that failed: `connect_tcp` or `start_tls`."""
    failure: BaseException | None = None

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Record one event: `connection.connect_tcp.started`, `….complete`, `….failed` and the like."""
        # No zero-argument `super()`: a dataclass with slots is a second class, unknown to the method's cell.
        await Attempt.trace(self, event, info)
        _, step, state = event.split(".")
        match step, state:
            case "connect_tcp", "started":
                self.contacted = (info["host"], info["port"])
            case "connect_tcp", "complete":
                self.address = info["return_value"].get_extra_info("peername")[0]
            case "start_tls", "complete":
                connection = info["return_value"].get_extra_info("ssl_object")
                self.tls_version = connection.version()
                self.certificate = connection.getpeercert(binary_form=True)
            case "open_tunnel", "failed":
                self.proxy_status = getattr(info["exception"], "status", None)
            case (("connect_tcp" | "start_tls"), "failed"):
                self.broken_at = step
                self.failure = info["exception"]

    @property
    def is_late(self) -> bool:
        """True if the failed step took too long: it hit its own limit, or the call's deadline, which cancels it."""
        return self.cause(TimeoutError) is not None or self.cause(CancelledError) is not None

    @property
    def reason(self) -> str | None:
        """The operating system's error message."""
        reasons = (reason_of(error) for error in _causes(self.failure) if isinstance(error, OSError))
        return next(filter(None, reasons), None)

    def cause(self, kind: type[E]) -> E | None:
        """Return the first cause of the failure that is a `kind`."""
        return next((error for error in _causes(self.failure) if isinstance(error, kind)), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
