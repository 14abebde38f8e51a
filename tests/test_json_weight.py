"""What a JSON text weighs: at least the memory that it takes, found without taking as much."""

import json
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wemasy_mcp import json_weight
from wemasy_mcp.json_weight import MAX_WEIGHT, is_too_heavy, weigh

STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


@pytest.mark.parametrize("value", ["[]", "{}", "0", '{"a":0}', '"text"', "1.5", "null"])
def test_a_text_takes_no_more_memory_than_it_weighs(value: str) -> None:
    text = b"[%s]" % ",".join([value] * 20_000).encode()
    tracemalloc.start()
    parsed = json.loads(text)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert parsed
    assert taken < weigh(text) < MAX_WEIGHT


TOKENS = st.one_of(st.sampled_from(["[", "{", ",", ":", " ", "0"]), st.text('"\\[{:, a').map(json.dumps))


@given(st.lists(TOKENS).map("".join), st.integers(0, 5))
def test_what_stands_in_strings_weighs_only_its_length(whole: str, missing: int) -> None:
    """Wherever the parts end in which it is looked through, and wherever it ends itself."""
    text = whole[: len(whole) - missing]
    outside = STRINGS.sub("", text)
    with pytest.MonkeyPatch.context() as patch:
        for part in (1, 2, 3, 100):
            patch.setattr(json_weight, "_PART", part)
            assert weigh(text.encode(), 0) == len(text) + weigh(outside.encode()) - len(outside)


@pytest.mark.parametrize("unit", ['"",', '"a",', '"\\\\",', r"\"[", "[],"])
def test_weighing_takes_less_memory_than_the_text(unit: str) -> None:
    text = b"[" + unit.encode() * (4 * 2**20 // len(unit))
    tracemalloc.start()
    weight = weigh(text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert weight > MAX_WEIGHT or unit.startswith("\\")
    assert most < len(text)


def test_a_text_with_lone_surrogates_is_weighed_too() -> None:
    assert not is_too_heavy('["\ud83d"]')
    assert is_too_heavy('["\ud83d",' + "[]," * 200_000)
