"""The wait that an answer's headers ask for, in seconds.

`Retry-After` (RFC 9110, section 10.2.3) is seconds or an HTTP-date. The time at which a limit resets is a Unix time
(Laravel's `X-RateLimit-Reset`) or a number of seconds (`RateLimit-Reset` in the IETF's draft).
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC

MAX_WAIT = 24 * 60 * 60
"""Maximum wait in seconds; a longer one is treated as garbage."""

MAX_WAIT_TEXT = 1000
"""Maximum characters of a header that are searched for a wait."""

_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{0,9})?", re.ASCII)

# Separates the values of a header that is sent twice; not the comma after the day of an HTTP-date.
_COMMA = re.compile(r"(?<!Mon|Tue|Wed|Thu|Fri|Sat|Sun|day),")


def read_wait(headers: Mapping[str, str], now: float, names: Sequence[str]) -> int | None:
    """Return the whole seconds to wait, rounded up, from the first usable header; None if there is none."""
    for name in names:
        listed = _COMMA.split(headers.get(name, "")[:MAX_WAIT_TEXT])
        waits = [_seconds_until(text.strip(" \t"), now, may_be_unix_time=name != "retry-after") for text in listed]
        usable = [wait for wait in waits if wait is not None and 0 <= wait <= MAX_WAIT]
        if usable:
            return max(usable)
    return None


def _seconds_until(text: str, now: float, *, may_be_unix_time: bool) -> int | None:
    if _SECONDS.fullmatch(text):
        seconds = float(text)
        return math.ceil(seconds - now if may_be_unix_time and seconds > MAX_WAIT else seconds)
    from email.utils import parsedate_to_datetime  # slow to import, and a Retry-After is rarely a date

    try:
        # Every HTTP-date is UTC (RFC 9110, section 5.6.7), even the obsolete form that does not say so.
        when = parsedate_to_datetime(text)
        return math.ceil((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
