"""What the operator sets: where it is read from, what is tolerated, and how it is refused without being shown."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api_document import SAVE_MEMORY, UPDATE_CONNECTION
from support.program import TOKEN
from wemasy_mcp.secret_file import api_token
from wemasy_mcp.setting_sources import load_settings, read_settings
from wemasy_mcp.settings import Settings, SettingsError, variable_of

BLANK = "is empty; put your Wemasy API token there."
PLACEHOLDER = "still holds a placeholder instead of a token: it was never filled in."
NO_TOKEN = "holds spaces, line breaks or characters that no token has; copy the token again."
INSECURE = (
    "should be an https URL such as https://api.wemasy.nl/api (http only on loopback); over http the token could be "
    "read in transit."
)
ADDRESS = (
    "holds an address, not a port: Kubernetes sets it for a Service named wemasy. Set `enableServiceLinks: false` in "
    "the pod's spec, or set the variable there yourself."
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)
    monkeypatch.chdir(tmp_path)


def refusal(**settings: Any) -> SettingsError:
    with pytest.raises(SettingsError) as raised:
        load_settings(**settings)
    return raised.value


def test_the_defaults_are_the_published_ones() -> None:
    settings = load_settings()

    assert settings.model_dump() == {
        "api_token": None,
        "api_token_file": None,
        "base_url": "https://api.wemasy.nl/api",
        "timeout_seconds": 20,
        "answer_seconds": 4.5,
        "keepalive_seconds": 4,
        "repeats": "join",
        "tools": (),
        "null_arguments": "send",
        "sandbox": False,
        "sandbox_db": ":memory:",
        "log_level": "INFO",
        "log_format": "text",
        "transport": "stdio",
        "host": "127.0.0.1",
        "port": 8000,
        "server_token": None,
        "server_token_file": None,
        "auth_issuer": None,
        "auth_audience": None,
        "auth_jwks_url": None,
        "auth_scopes": (),
        "path_prefix": "",
        "allowed_hosts": (),
        "allowed_origins": (),
        "redis_url": None,
        "redis_password_file": None,
        "user_token_header": None,
    }


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("WEMASY_API_TOKEN", TOKEN, SecretStr(TOKEN)),
        ("WEMASY_API_TOKEN_FILE", "token.txt", Path("token.txt")),
        ("WEMASY_BASE_URL", "http://localhost:8900/api", "http://localhost:8900/api"),
        ("WEMASY_TIMEOUT_SECONDS", "2.5", 2.5),
        ("WEMASY_ANSWER_SECONDS", "15", 15),
        ("WEMASY_KEEPALIVE_SECONDS", "30", 30),
        ("WEMASY_REPEATS", "send", "send"),
        (
            "WEMASY_TOOLS",
            f" {SAVE_MEMORY.tool} , {UPDATE_CONNECTION.tool},",
            (SAVE_MEMORY.tool, UPDATE_CONNECTION.tool),
        ),
        ("WEMASY_NULL_ARGUMENTS", "drop", "drop"),
        ("WEMASY_SANDBOX", "1", True),
        ("WEMASY_SANDBOX_DB", "kept.db", "kept.db"),
        ("WEMASY_LOG_LEVEL", "debug", "DEBUG"),
        ("WEMASY_LOG_FORMAT", "json", "json"),
        ("WEMASY_TRANSPORT", "streamable-http", "streamable-http"),
        ("WEMASY_PORT", "0", 0),
        ("WEMASY_ALLOWED_HOSTS", "a.example,b.example:8443", ("a.example", "b.example:8443")),
        ("WEMASY_ALLOWED_ORIGINS", "https://a.example", ("https://a.example",)),
        ("WEMASY_REDIS_URL", "redis://localhost", SecretStr("redis://localhost")),
        ("WEMASY_TIMEOUT_SECONDS", "", 20),
        # As `set NAME="value" ` leaves it at the Windows command prompt.
        ("WEMASY_SANDBOX", "true ", True),
        ("WEMASY_SANDBOX", ' "1" ', True),
        ("WEMASY_TIMEOUT_SECONDS", "'2.5'", 2.5),
        ("WEMASY_API_TOKEN_FILE", '"/run/my token" ', Path("/run/my token")),
        ("WEMASY_TOOLS", f'"{SAVE_MEMORY.tool}"', (SAVE_MEMORY.tool,)),
        ("WEMASY_LOG_LEVEL", " warn", "WARNING"),
    ],
)
def test_a_variable_sets_its_setting(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, read: object) -> None:
    monkeypatch.setenv(variable, value)

    assert getattr(load_settings(), variable.removeprefix("WEMASY_").lower()) == read


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("WEMASY_API_TOKEN", "your-token", PLACEHOLDER),
        ("WEMASY_BASE_URL", "http://api.wemasy.nl/api", INSECURE),
        ("WEMASY_TIMEOUT_SECONDS", "0", "should be greater than 0"),
        ("WEMASY_TIMEOUT_SECONDS", "601", "should be less than or equal to 600"),
        ("WEMASY_TIMEOUT_SECONDS", "nan", "should be a finite number"),
        ("WEMASY_TIMEOUT_SECONDS", "soon", "should be a valid number, unable to parse string as a number"),
        ("WEMASY_ANSWER_SECONDS", "0", "should be greater than 0"),
        ("WEMASY_ANSWER_SECONDS", "inf", "should be a finite number"),
        ("WEMASY_REPEATS", "never", "should be 'join' or 'send'"),
        ("WEMASY_KEEPALIVE_SECONDS", "-1", "should be greater than or equal to 0"),
        ("WEMASY_NULL_ARGUMENTS", "keep", "should be 'send' or 'drop'"),
        ("WEMASY_SANDBOX", "perhaps", "should be a valid boolean, unable to interpret input"),
        ("WEMASY_LOG_LEVEL", "loud", "should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("WEMASY_LOG_FORMAT", "xml", "should be 'text' or 'json'"),
        ("WEMASY_TRANSPORT", "carrier-pigeon", "should be 'stdio', 'sse' or 'streamable-http'"),
        ("WEMASY_PORT", "65536", "should be less than or equal to 65535"),
        *(
            (
                "WEMASY_PORT",
                address,
                ADDRESS,
            )
            for address in ("tcp://10.96.0.7:8000", "udp://[fd00::7]:8000")
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_variable_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(variable, value)

    error = refusal()

    assert str(error) == f"{variable} {problem}"
    assert (error.variable, error.problem, error.further) == (variable, problem, ())
    assert error.__context__ is None


def test_everything_that_cannot_be_used_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_PORT", "-1")
    monkeypatch.setenv("WEMASY_BASE_URL", "ftp://x")

    error = refusal()

    assert (error.variable, [further.variable for further in error.further]) == ("WEMASY_BASE_URL", ["WEMASY_PORT"])


def test_flags_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "wemasy.env"
    file.write_text("WEMASY_PORT=1\nWEMASY_HOST=file\nWEMASY_LOG_LEVEL=error\nUNRELATED=1\nWEMASY_UNHEARD_OF=1\n")
    monkeypatch.setenv("WEMASY_PORT", "2")
    monkeypatch.setenv("WEMASY_HOST", "environment")

    settings = load_settings(file, port=3)

    assert (settings.port, settings.host, settings.log_level) == (3, "environment", "ERROR")


def test_no_file_is_read_that_was_not_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WEMASY_PORT=1\n")

    assert load_settings().port == 8000


def test_an_environment_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "windows.env"
    file.write_bytes(b"\xef\xbb\xbfWEMASY_PORT=1\r\nWEMASY_HOST=::1\r\n")

    settings = load_settings(file)

    assert (settings.port, settings.host) == (1, "::1")


def test_an_environment_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(refusal(env_file=tmp_path / "none.env")) == f"--env-file names no file: {tmp_path / 'none.env'}"


def test_an_environment_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "binary.env"
    file.write_bytes(b"WEMASY_PORT=\xff\xfe")

    assert str(refusal(env_file=file)) == f"--env-file cannot be read: {file} (it is not UTF-8 text)"


def test_a_token_is_never_shown_by_the_settings() -> None:
    settings = load_settings(api_token=TOKEN, redis_url=f"redis://:{TOKEN}@localhost")

    assert TOKEN not in repr(settings)
    assert TOKEN not in settings.model_dump_json()


def test_the_token_of_the_environment_wins_over_the_one_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("of the file\n".replace(" ", "-"))

    assert api_token(load_settings(api_token=TOKEN, api_token_file=file)).get_secret_value() == TOKEN
    assert api_token(load_settings(api_token_file=file)).get_secret_value() == "of-the-file"


def test_a_file_of_a_token_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xef\xbb\xbf" + TOKEN.encode() + b"\n")

    assert api_token(load_settings(api_token_file=file)).get_secret_value() == TOKEN


def test_without_a_token_the_variable_is_named() -> None:
    with pytest.raises(SettingsError) as raised:
        api_token(load_settings())

    assert str(raised.value) == "WEMASY_API_TOKEN is not set; put your Wemasy API token there."


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", f"names a file whose content {BLANK}"),
        (b"YOUR_TOKEN", f"names a file whose content {PLACEHOLDER}"),
        (b"YOUR_TOKEN ", f"names a file whose content {PLACEHOLDER}"),
        (b"a b", f"names a file whose content {NO_TOKEN}"),
        (b"\xff\xfe", "names a file that cannot be read: {path} (it is not UTF-8 text)"),
        (None, "names a file that cannot be read: {path} (No such file or directory)"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_named_without_its_content(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as raised:
        api_token(load_settings(api_token_file=file))

    assert str(raised.value) == f"WEMASY_API_TOKEN_FILE {problem.format(path=file)}"


def test_scopes_are_separated_as_oauth_or_the_other_settings_do() -> None:
    assert load_settings(auth_scopes="memory.write api://wemasy/use,openid").auth_scopes == (
        "memory.write",
        "api://wemasy/use",
        "openid",
    )
    with pytest.raises(SettingsError, match="WEMASY_AUTH_SCOPES should hold scopes"):
        load_settings(auth_scopes='memory"write')


@pytest.mark.parametrize(
    ("given", "prefix"),
    [("/wemasy/", "/wemasy"), ("/", ""), ("/a/b.c", "/a/b.c"), ("X-Forwarded-Prefix", "x-forwarded-prefix")],
)
def test_the_path_under_which_a_proxy_shows_the_server(given: str, prefix: str) -> None:
    assert load_settings(path_prefix=given).path_prefix == prefix


@pytest.mark.parametrize("given", ["wemasy", "//evil.example", "/a/../b", "/a b", "/a?b", "https://example.com/a"])
def test_a_path_prefix_that_is_not_a_path_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="WEMASY_PATH_PREFIX should be a path"):
        load_settings(path_prefix=given)


def test_one_setting_that_cannot_be_used_does_not_take_the_others_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEMASY_PORT", "abc")
    monkeypatch.setenv("WEMASY_TOOLS", SAVE_MEMORY.tool)
    monkeypatch.setenv("WEMASY_API_TOKEN", TOKEN)

    reading = read_settings(Path("missing.env"), log_format="json")

    assert [problem.variable for problem in reading.problems] == ["--env-file", "WEMASY_PORT"]
    assert reading.settings == load_settings_without("WEMASY_PORT", monkeypatch)


def load_settings_without(variable: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv(variable)
    return load_settings(log_format="json")


@pytest.mark.parametrize("field", [name for name in Settings.model_fields if name.endswith(("_file", "_db"))])
@pytest.mark.parametrize("source", ["environment", "file", "flag"])
def test_the_home_folder_may_be_a_tilde_in_every_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str, source: str
) -> None:
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path))
    (tmp_path / "settings.env").write_text(f"{variable_of(field)}=~/kept\n" if source == "file" else "")
    if source == "environment":
        monkeypatch.setenv(variable_of(field), "~/kept")

    settings = load_settings(Path("~/settings.env"), **({field: "~/kept"} if source == "flag" else {}))

    assert Path(str(getattr(settings, field))) == tmp_path / "kept"


def test_a_home_folder_that_nobody_knows_is_a_file_that_is_not_there() -> None:
    with pytest.raises(SettingsError, match=r"a file that cannot be read: .*~?nobody-of-that-name.token \(No such"):
        api_token(load_settings(api_token_file="~nobody-of-that-name/token"))


def test_a_name_that_looks_like_a_setting_is_reported_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WEMASY_SANDBX", "1")
    (tmp_path / "settings.env").write_text("WEMASY_TOKEN=x\nUNRELATED=1\nWEMASY_QQQ=1\n")

    assert read_settings(tmp_path / "settings.env").misspelt == (
        "WEMASY_QQQ is set, but no setting has that name.",
        "WEMASY_SANDBX is set, but no setting has that name; did you mean WEMASY_SANDBOX?",
        "WEMASY_TOKEN is set, but no setting has that name; did you mean WEMASY_API_TOKEN?",
    )
