"""Which calls one request answers, without I/O: the record of what is under way and what could not be delivered."""

import weakref

import pytest

from wemasy_mcp.core.errors import ServerFailed, ValidationFailed
from wemasy_mcp.core.protocol import Reply
from wemasy_mcp.once.repeats import KEPT_SECONDS, MAX_REQUESTS, Repeats, Request

STORED = Reply("Saved.", {"id": 1}, None, ())
UNKNOWN = ServerFailed(status=500)
REFUSED = ValidationFailed(status=422)
KEY = b"k"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repeats(clock: Clock) -> Repeats:
    return Repeats(clock)


def begun(repeats: Repeats, key: bytes = KEY) -> Request:
    assert repeats.join(key) is None
    request = Request()
    repeats.begin(key, request)
    return request


@pytest.mark.parametrize(
    ("account", "tool", "body", "is_same"),
    [
        ("a", "t", b'{"x":{"b":1,"a":[1,null]}}', True),
        ("a", "t", b'{"x":{"b":1,"a":[null,1]}}', False),
        ("a", "t", b'{"x":{"b":1.0,"a":[1,null]}}', False),
        ("a", "t", b'{"x":[1,null]}', False),
        ("b", "t", b'{"x":{"a":[1,null],"b":1}}', False),
        ("a", "u", b'{"x":{"a":[1,null],"b":1}}', False),
    ],
)
def test_a_call_is_the_same_for_an_equal_token_tool_and_body(
    repeats: Repeats, account: str, tool: str, body: bytes, *, is_same: bool
) -> None:
    known = repeats.key("a", "t", b'{"x":{"a":[1,null],"b":1}}')

    assert (repeats.key(account, tool, body) == known) is is_same


def test_what_stands_for_a_call_is_new_in_each_process() -> None:
    assert Repeats().key("a", "t", b"{}") != Repeats().key("a", "t", b"{}")


def test_a_call_joins_the_same_one_while_it_is_under_way(repeats: Repeats) -> None:
    request = begun(repeats)

    assert repeats.join(KEY) is request
    assert request.waiting == 2


@pytest.mark.parametrize("answer", [STORED, REFUSED])
def test_a_delivered_answer_leaves_no_trace(repeats: Repeats, answer: Reply | ValidationFailed) -> None:
    request = begun(repeats)
    repeats.end(KEY, request, answer)
    repeats.leave(KEY, request, delivered=True)

    assert begun(repeats).earlier is None


@pytest.mark.parametrize("answer", [STORED, UNKNOWN])
@pytest.mark.parametrize("ends_first", [True, False])
def test_an_answer_that_could_not_be_delivered_is_given_again_once(
    repeats: Repeats, answer: Reply | ServerFailed, *, ends_first: bool
) -> None:
    request = begun(repeats)
    if ends_first:
        repeats.end(KEY, request, answer)
    repeats.leave(KEY, request, delivered=False)
    if not ends_first:
        repeats.end(KEY, request, answer)

    given = repeats.join(KEY)
    assert given is request
    repeats.leave(KEY, request, delivered=True)
    assert repeats.join(KEY) is None


def test_a_call_that_was_not_applied_leaves_no_trace(repeats: Repeats) -> None:
    request = begun(repeats)
    repeats.leave(KEY, request, delivered=False)
    repeats.end(KEY, request, REFUSED)

    assert repeats.join(KEY) is None


def test_a_repeat_that_got_the_answer_counts_for_the_call_that_did_not(repeats: Repeats) -> None:
    request = begun(repeats)
    repeats.leave(KEY, request, delivered=False)
    assert repeats.join(KEY) is request
    repeats.end(KEY, request, STORED)
    repeats.leave(KEY, request, delivered=True)

    assert repeats.join(KEY) is None, "the third call is on purpose"


def test_each_of_two_calls_that_got_no_answer_is_given_it(repeats: Repeats) -> None:
    request = begun(repeats)
    assert repeats.join(KEY) is request
    for _ in range(2):
        repeats.leave(KEY, request, delivered=False)
    repeats.end(KEY, request, STORED)

    for _ in range(2):
        assert repeats.join(KEY) is request
        repeats.leave(KEY, request, delivered=True)
    assert repeats.join(KEY) is None


def test_after_a_delivered_unknown_the_next_request_knows_when(repeats: Repeats, clock: Clock) -> None:
    request = begun(repeats)
    repeats.end(KEY, request, UNKNOWN)
    repeats.leave(KEY, request, delivered=True)
    clock.seconds += 30

    second = begun(repeats)
    assert second.earlier is not None
    assert repeats.age(second.earlier) == 30


def test_of_a_delivered_unknown_only_the_time_is_kept(repeats: Repeats) -> None:
    request, answer = begun(repeats), ServerFailed(status=500)
    is_kept = weakref.ref(answer)
    repeats.end(KEY, request, answer)
    repeats.leave(KEY, request, delivered=True)
    del request, answer

    assert is_kept() is None


def test_a_refusal_in_between_does_not_hide_an_earlier_unknown(repeats: Repeats, clock: Clock) -> None:
    for answer in (UNKNOWN, REFUSED):
        request = begun(repeats)
        repeats.end(KEY, request, answer)
        repeats.leave(KEY, request, delivered=True)
        clock.seconds += 10

    third = begun(repeats)
    assert third.earlier is not None
    assert repeats.age(third.earlier) == 20


def test_an_earlier_unknown_is_forgotten_in_its_own_time(repeats: Repeats, clock: Clock) -> None:
    for answer, seconds in ((UNKNOWN, KEPT_SECONDS - 10), (REFUSED, 20.0)):
        request = begun(repeats)
        repeats.end(KEY, request, answer)
        repeats.leave(KEY, request, delivered=True)
        clock.seconds += seconds

    assert begun(repeats).earlier is None


def test_a_request_that_was_pushed_out_takes_none_after_it_along(repeats: Repeats) -> None:
    pushed_out, request = Request(), Request()
    for one in (pushed_out, request):
        repeats.begin(KEY, one)
    repeats.forget(KEY, pushed_out)
    assert repeats.join(KEY) is request

    repeats.forget(KEY, request)
    assert repeats.join(KEY) is None


def test_what_the_replicas_know_is_not_given_from_here_without_asking_them(repeats: Repeats) -> None:
    request = begun(repeats)
    repeats.leave(KEY, request, delivered=False, is_shared=True)
    repeats.end(KEY, request, STORED)

    assert repeats.join(KEY) is None
    assert begun(repeats).kept is request


@pytest.mark.parametrize("delivered", [True, False])
def test_nothing_is_kept_for_longer_than_ten_minutes(repeats: Repeats, clock: Clock, *, delivered: bool) -> None:
    request = begun(repeats)
    repeats.end(KEY, request, UNKNOWN)
    repeats.leave(KEY, request, delivered=delivered)
    clock.seconds += KEPT_SECONDS + 1

    assert begun(repeats).earlier is None


def test_a_call_begun_while_the_answer_is_being_handed_over_is_sent(repeats: Repeats) -> None:
    first = begun(repeats)
    repeats.end(KEY, first, STORED)

    second = begun(repeats)
    repeats.leave(KEY, first, delivered=True)
    assert second.earlier is None
    assert repeats.join(KEY) is second


@pytest.mark.parametrize("ended", [True, False])
def test_the_oldest_is_forgotten_first_so_that_memory_is_bounded(repeats: Repeats, *, ended: bool) -> None:
    keys = [str(number).encode() for number in range(MAX_REQUESTS + 1)]
    for key in keys:
        request = begun(repeats, key)
        if ended:
            repeats.end(key, request, STORED)
            repeats.leave(key, request, delivered=False)

    assert repeats.join(keys[0]) is None
    assert repeats.join(keys[1]) is not None


def test_a_request_that_was_forgotten_under_way_leaves_no_trace_when_it_ends(repeats: Repeats) -> None:
    first = begun(repeats)
    for number in range(MAX_REQUESTS):
        begun(repeats, str(number).encode())

    repeats.end(KEY, first, STORED)
    repeats.leave(KEY, first, delivered=False)

    assert repeats.join(KEY) is None
