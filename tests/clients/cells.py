"""What was seen of a client, in words: the rows and items of docs/clients.md."""

from collections.abc import Callable, Iterable, Iterator

from .catalogue import TRANSPORTS, Client, Mode
from .record import Record, Seen, Told

_NAMES = {"stdio": "stdio", "sse": "SSE", "streamable-http": "streamable HTTP"}


def reaching(client: Client, record: Record) -> tuple[str, ...]:
    """Return the row that says what reaches a program or a model."""
    protocols = {seen["protocol"] for seen in record["cases"]} - {None}
    return (
        client.name,
        f"`{client.package}` {record['version']}",
        record["date"],
        client.group,
        _transports(client.transports),
        ", ".join(sorted(map(str, protocols), reverse=True)) or "not shown",
        f"the {client.shows} as {_by_case(client, record, lambda seen: seen['error'])}",
    )


def ending(client: Client, record: Record) -> tuple[str, ...]:
    """Return the row of calls that do not end by themselves."""
    given_up = _by_case(client, record, lambda seen: _giving_up(client, seen))
    return (
        client.name,
        _cancelling(client),
        f"`{client.limit}`: {given_up}" if client.limit else given_up,
        _by_case(client, record, lambda seen: _killed(client, seen["killed"])),
    )


def started(client: Client, record: Record) -> str:
    """Return what was seen of a program in which no call can be made."""
    when = f"`{client.package}` {record['version']}, last run {record['date']}, group `{client.group}`"
    return f"- **{client.name}** ({when}) {client.does}"


def repeating(client: Client, record: Record) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a client that repeats calls by itself."""
    for case in record["cases"]:
        if "repeats" in case:
            yield (client.name, f"`{case['mode']}`", str(case["repeats"]["join"]), str(case["repeats"]["send"]))


def _cancelling(client: Client) -> str:
    told = {mode.name: _when_cancelled(client, mode) for mode in client.modes}
    if len(set(told.values())) == 1:
        return told[client.modes[0].name]
    return "; ".join(f"{name}: {what}" for name, what in told.items())


def _when_cancelled(client: Client, mode: Mode) -> str:
    if not mode.can_cancel:
        return "not tried: only the whole program can be interrupted" if client.is_host else "cannot be cancelled"
    if set(mode.cancels_over) >= set(client.transports):
        return "its repeat is given the answer"
    if not mode.cancels_over:
        return "not told"
    return f"its repeat is given the answer over {_transports(mode.cancels_over)}"


def _giving_up(client: Client, seen: Seen) -> str:
    if "repeats" in seen:
        return ""
    if "given_up" not in seen:
        return "not tried"
    repeat = {"given": "is given the answer", "sent": "is sent", "failed": "fails"}[seen["given_up"]["repeat"]]
    return f"{_told(client, seen['given_up'])}; its repeat {repeat}"


def _killed(client: Client, told: Told) -> str:
    times = "once" if told["requests"] == 1 else f"{told['requests']} times"
    return f"{_told(client, told)}; sent {times}"


def _told(client: Client, told: Told) -> str:
    if told["kind"] == "nothing":
        return f"the {client.shows} waits on"
    if told["kind"] == "exception":
        return f"{'the run ends with' if client.shows == 'model' else 'an exception,'} `{told['words']}`"
    return f"the {client.shows} reads `{told['words']}`"


def deviations(client: Client) -> Iterable[str]:
    """Yield what a client does differently, as items of a list."""
    if client.fills_nulls:
        yield f"- **{client.name}** sends null for what a model leaves out: set `WEMASY_NULL_ARGUMENTS=drop`."
    if client.drops_nulls:
        yield f"- **{client.name}** leaves out every null, so a model cannot clear a field through it."
    for deviation in client.deviations:
        yield f"- **{client.name}** {deviation.words}"


def _by_case(client: Client, record: Record, say: Callable[[Seen], str]) -> str:
    """Say what was seen, once if it was the same in every case, and otherwise where it was seen."""
    where: dict[str, list[Seen]] = {}
    for seen in record["cases"]:
        if said := say(seen):
            where.setdefault(said, []).append(seen)
    if len(where) == 1:
        return next(iter(where))
    return "; ".join(f"{what} ({_where(client, cases)})" for what, cases in where.items())


def _where(client: Client, cases: list[Seen]) -> str:
    over = {mode.name: [seen["transport"] for seen in cases if seen["mode"] == mode.name] for mode in client.modes}
    spoken = {name: _transports(transports) for name, transports in over.items() if transports}
    if len(spoken) == len(client.modes) and len(set(spoken.values())) == 1:
        return next(iter(spoken.values()))
    return ", ".join(f"{name or 'by default'} over {transports}" for name, transports in spoken.items())


def _transports(transports: Iterable[str]) -> str:
    return ", ".join(_NAMES[transport] for transport in TRANSPORTS if transport in set(transports))
