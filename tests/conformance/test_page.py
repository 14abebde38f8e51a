"""docs/conformance.md says what the tests here enforce."""

import json
import re
from pathlib import Path

from . import page

FOLDER = Path(__file__).parent


def test_the_page_has_the_pinned_version_of_the_suite() -> None:
    (pinned,) = json.loads((FOLDER / "package.json").read_text())["dependencies"].values()

    assert f") {pinned}, the newest" in page.PAGE


def test_a_scenario_stands_on_the_page_once() -> None:
    listed = page.listed_scenarios()

    assert len(listed) == len(set(listed))
    assert {"ping", "server-stateless", "tasks-lifecycle"} < set(listed)


def test_a_check_is_excused_only_in_a_scenario_that_the_page_says_does_not_apply_as_a_whole() -> None:
    excused = set(re.findall(r"^  - (\S+):\S+$", (FOLDER / "not-applicable.yaml").read_text(), re.MULTILINE))
    in_part = {name for revision in page.REVISIONS for name in page.applying(revision, "in part")}

    assert in_part <= excused
    assert excused <= in_part | page.not_applying()
