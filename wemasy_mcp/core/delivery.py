"""Whether the answer of a request reaches its client: the transport that took the request reports a loss, core asks.

Lost means: the client cancelled the request, or was gone, before the answer was handed to it.
"""

from collections.abc import Callable
from contextvars import Context, ContextVar


class Delivery:
    """One request's way back to its client; one for each request that a transport takes."""

    def __init__(self) -> None:
        self.is_lost = False
        """Whether it is already known that no answer will arrive."""
        self._callback: Callable[[], None] | None = None

    def call_when_lost(self, callback: Callable[[], None]) -> None:
        """Call `callback` once if the answer is lost: immediately if it already is, else when that shows.

        A loss may still be reported after the handler has returned its result.
        """
        if self.is_lost:
            callback()
        else:
            self._callback = callback

    def report_loss(self) -> None:
        """Note that no answer arrives; for transports."""
        callback, self._callback = self._callback, None
        self.is_lost = True
        if callback is not None:
            callback()

    def carry_in(self, context: Context) -> Context:
        """Make this the `current_delivery` of what runs in `context`, and return that."""
        context.run(_CURRENT.set, self)
        return context


def current_delivery() -> Delivery:
    """Return the delivery of the request that is being handled; one that is never lost where no transport has one."""
    return _CURRENT.get(None) or Delivery()


_CURRENT: ContextVar[Delivery] = ContextVar("delivery")
