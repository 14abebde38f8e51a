"""What each error says about the write, to the letter of the published interface's third section."""

import re

import pytest

from support.wire import ENDPOINT, SAVE, UPDATE
from wemasy_mcp.core.errors import ERRORS, RejectedUnclearly, WemasyError

BY_CODE = {error.code: error for error in ERRORS} | {"rejected unclearly": RejectedUnclearly}

# code, outcome, retryable by save and by update
ROWS = [
    ("not_configured", "not_applied", False, False),
    ("invalid_arguments", "not_applied", False, False),
    ("validation_failed", "not_applied", False, False),
    ("unauthenticated", "not_applied", False, False),
    ("forbidden", "not_applied", False, False),
    ("rate_limited", "not_applied", True, True),
    ("rejected", "not_applied", False, False),
    ("rejected unclearly", "unknown", False, False),
    ("unreachable", "not_applied", True, True),
    ("pending", "unknown", True, True),
    ("timed_out", "unknown", False, True),
    ("connection_lost", "unknown", False, True),
    ("server_failed", "unknown", False, True),
    ("bad_response", "unknown", False, True),
    ("shutting_down", "unknown", False, True),
    ("internal_error", "unknown", False, False),
]


def test_every_code_of_the_interface_exists_and_no_other() -> None:
    assert [error.code for error in ERRORS] == [code for code, *_ in ROWS if code != "rejected unclearly"]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_a_code_is_the_class_s_name_in_snake_case(error: type[WemasyError]) -> None:
    assert error.code == re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()


@pytest.mark.parametrize(("code", "outcome", "save", "update"), ROWS)
def test_an_error_says_what_the_interface_says(code: str, outcome: str, save: bool, update: bool) -> None:
    error = BY_CODE[code]()

    for tool, done, retryable in ((SAVE, "saved", save), (UPDATE, "updated", update)):
        failure = error.failure(ENDPOINT[tool])
        assert (failure.outcome, failure.retryable) == (outcome, retryable)
        assert failure.hint.startswith(
            f"Nothing was {done}." if outcome == "not_applied" else f"It may or may not have been {done}"
        )
        assert failure.message


@pytest.mark.parametrize(
    ("code", "outcome", "save", "update"), [row for row in ROWS if row[1] == "unknown" and row[0] != "pending"]
)
def test_after_an_unknown_outcome_the_hint_says_whether_to_repeat(
    code: str, outcome: str, save: bool, update: bool
) -> None:
    error = BY_CODE[code]()

    assert "Do not send it again" in error.hint(ENDPOINT[SAVE])
    assert ("you may repeat it." in error.hint(ENDPOINT[UPDATE])) is update
    assert ("Do not send it again" in error.hint(ENDPOINT[UPDATE])) is not update


def test_a_pending_call_may_be_repeated_because_it_is_not_sent_twice() -> None:
    hint = BY_CODE["pending"](retry_after_seconds=5).hint(ENDPOINT[SAVE])

    assert hint.endswith(
        "Send the same call again after 5 seconds: it will report how this one ended and will not be sent twice."
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("not_configured", "The user must fix the setting"),
        ("invalid_arguments", "named in field_errors"),
        ("validation_failed", "named in field_errors"),
        ("unauthenticated", "The user, not you, must put a valid token in WEMASY_API_TOKEN"),
        ("forbidden", "the user must grant it"),
        ("rate_limited", "in about a minute"),
        ("unreachable", "you may send the same call again"),
    ],
)
def test_the_hint_says_who_must_do_what(code: str, words: str) -> None:
    assert words in BY_CODE[code](field_errors={"kind": ["It is required."]}).hint(ENDPOINT[SAVE])


def test_a_422_without_field_errors_points_at_its_message() -> None:
    hint = BY_CODE["validation_failed"]().hint(ENDPOINT[SAVE])

    assert hint == "Nothing was saved. Correct what the message names and call again."


@pytest.mark.parametrize("code", ["invalid_arguments", "validation_failed"])
@pytest.mark.parametrize("field", ["connection_id", "id", "items.0.owner_id", "items.0.id"])
def test_a_model_is_sent_to_the_user_for_an_id_that_it_could_only_guess(code: str, field: str) -> None:
    ask = f"Ask the user for the right {field}; do not guess: no tool lists ids."
    of_id = BY_CODE[code](field_errors={field: ["The selected id is invalid."]})
    of_both = BY_CODE[code](field_errors={field: ["Invalid."], "name": ["Required."]})
    of_name = BY_CODE[code](field_errors={"name": ["Required."], "ident": ["Required."], "valid": ["No."]})

    assert of_id.hint(ENDPOINT[UPDATE]) == f"Nothing was updated. {ask}"
    assert of_both.hint(ENDPOINT[UPDATE]).endswith(f"named in field_errors and call again. {ask}")
    assert "Ask the user" not in of_name.hint(ENDPOINT[UPDATE])


def test_the_hint_of_a_wait_names_the_seconds() -> None:
    limited = BY_CODE["rate_limited"](retry_after_seconds=42)
    failed = BY_CODE["server_failed"](retry_after_seconds=7)

    assert limited.hint(ENDPOINT[SAVE]) == "Nothing was saved. Send the same call again after 42 seconds."
    assert failed.hint(ENDPOINT[UPDATE]).endswith("you may repeat it after 7 seconds.")


def test_what_does_not_apply_is_absent_and_never_null() -> None:
    failure = BY_CODE["timed_out"]().failure(ENDPOINT[SAVE])

    assert set(failure.model_dump()) == {"code", "message", "outcome", "retryable", "hint"}


def test_a_message_of_nothing_is_the_default_one() -> None:
    assert str(BY_CODE["timed_out"]("")) == "Wemasy did not answer in time."
