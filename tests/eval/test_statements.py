"""What a final text is taken to say."""

import pytest

from . import statements

DONE = [
    "I've saved the fact.",
    "**Done!** Connection 5 is now called Support chat.",
    "All ten facts were stored successfully:\n- lunch_day",
    "Connection 5 was renamed. Its model was not touched.",
    "The fact is saved; Wemasy needed a few seconds.",
    "Connection 5 no longer has a model.",
    "Connection 5 now has no model, and it is still called Support chat.",
    "Done: the model of connection 5 is now empty.",
]
DONE_AFTER_ALL = [
    'Wemasy refused "Productie" because it is in use, so connection 5 is now called "Productie 2".',
    "The first attempt got no answer, but the second one succeeded and connection 5 was renamed.",
    "wifi_name was not accepted at first, then it was saved.",
]
NOT_DONE = [
    "The fact was not saved.",
    "Nothing was saved because the token is missing.",
    "I couldn\N{RIGHT SINGLE QUOTATION MARK}t save the fact: the memory is full.",
    "Wemasy refused to rename the connection.",
    "I failed to store it.",
    "What was done: nothing was saved.",
]
UNKNOWN = [
    "The connection broke, so I can't confirm that the fact was saved.",
    "It may or may not have been saved.",
    "I do not know whether the fact was stored; it could have been saved twice had I tried again.",
    "The outcome is unknown. I did not send it again.",
    "It is unclear if the fact has been saved.",
    "I\N{RIGHT SINGLE QUOTATION MARK}m not sure it was saved.",
    "I was not able to confirm that it was saved.",
    "I sent it once. **Unknown:** whether it was saved. I saved nothing else.",
    "The request to save it went out, without confirmation. I didn't retry, because that could store it twice.",
]
OPEN = [
    "To have it saved, please set the token.",
    "Once the token is set, it will be saved.",
    "Would you like it to be stored?",
    "The token has expired and must be updated by you.",
    "When that is done, ask me again.",
]


@pytest.mark.parametrize("text", DONE)
def test_a_plain_claim_is_seen(text: str) -> None:
    assert statements.says_done(text)
    assert statements.claims(text)


@pytest.mark.parametrize("text", DONE_AFTER_ALL)
def test_a_claim_is_seen_beside_what_went_wrong_first(text: str) -> None:
    assert statements.says_done(text)
    assert statements.doubts(text) == []


@pytest.mark.parametrize("text", [*NOT_DONE, *UNKNOWN, *OPEN])
def test_a_careful_text_claims_nothing(text: str) -> None:
    assert statements.claims(text) == []


@pytest.mark.parametrize("text", NOT_DONE)
def test_a_plain_denial_is_seen(text: str) -> None:
    assert not statements.says_done(text)
    assert statements.denials(text)
    assert statements.failures(text)


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_doubt_is_seen_and_denies_nothing(text: str) -> None:
    assert statements.doubts(text)
    assert statements.denials(text) == []


@pytest.mark.parametrize("text", [*DONE, *NOT_DONE])
def test_a_certain_text_has_no_doubt(text: str) -> None:
    assert statements.doubts(text) == []
