"""The cooldown: who is kept back, for how long, and at what cost."""

import pytest

from support.program import TOKEN
from wemasy_mcp.core.cooldown import MAX_ACCOUNTS, Cooldown, account_key


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cooldown(clock: Clock) -> Cooldown:
    return Cooldown(clock)


async def test_a_gate_that_was_never_closed_is_open(cooldown: Cooldown) -> None:
    assert await cooldown.seconds_left("a") == 0


async def test_a_closed_gate_counts_down_in_whole_seconds_and_opens_by_itself(cooldown: Cooldown, clock: Clock) -> None:
    await cooldown.close("a", 60)
    left = []
    for passed in (0, 0.1, 58.9, 0.999, 0.001, 1):
        clock.now += passed
        left.append(await cooldown.seconds_left("a"))

    assert left == [60, 60, 1, 1, 0, 0]


async def test_a_gate_keeps_only_its_own_account_back(cooldown: Cooldown) -> None:
    await cooldown.close("a", 60)

    assert await cooldown.seconds_left("b") == 0


async def test_a_shorter_wait_does_not_open_the_gate_earlier(cooldown: Cooldown) -> None:
    await cooldown.close("a", 60)
    await cooldown.close("a", 10)

    assert await cooldown.seconds_left("a") == 60


async def test_of_too_many_accounts_the_oldest_is_forgotten(cooldown: Cooldown) -> None:
    for number in range(MAX_ACCOUNTS + 1):
        await cooldown.close(f"account {number}", 60)
        # Whoever is told again is not the oldest any more.
        await cooldown.close("account 0", 60)

    assert await cooldown.seconds_left("account 1") == 0
    assert await cooldown.seconds_left("account 0") == 60
    assert await cooldown.seconds_left("account 2") == 60
    assert len(cooldown._ends) == MAX_ACCOUNTS


async def test_one_account_more_costs_the_same_however_many_there_are() -> None:
    class Account(str):
        __slots__ = ()

        def __hash__(self) -> int:
            looked_at.append(self)
            return super().__hash__()

    costs = []
    for accounts in (MAX_ACCOUNTS // 2, 3 * MAX_ACCOUNTS):
        cooldown = Cooldown()
        looked_at: list[str] = []
        for number in range(accounts):
            await cooldown.close(Account(number), 60)
        costs.append(len(looked_at) / accounts)

    assert costs[1] <= costs[0] + 2


def test_no_token_is_kept() -> None:
    assert TOKEN not in account_key(TOKEN)
    assert account_key(TOKEN) == account_key(TOKEN) != account_key(TOKEN + "x")
