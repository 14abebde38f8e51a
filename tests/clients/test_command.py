"""`python -m tests.clients`: what it lists, and what it refuses before anything is installed."""

import pytest

from .__main__ import main
from .catalogue import read_catalogue
from .record import read_record


def test_it_lists_every_client_with_its_group_and_last_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["clients", "--list"])

    assert main() == 0

    listed = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert listed.keys() == {client.id for client in read_catalogue()}
    for client in read_catalogue():
        record = read_record(client)
        assert listed[client.id][:2] == [client.group, record["date"] if record else "never"]


def test_it_refuses_a_name_that_nothing_has(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["clients", "nobody"])

    with pytest.raises(SystemExit, match="2"):
        main()

    assert "There is no client or group nobody" in capsys.readouterr().err
