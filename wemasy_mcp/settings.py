"""What the operator sets: the environment, an optional file, flags. Read once, checked, frozen.

Every refusal names the variable and never shows its value: a value may be a secret, or stand in the wrong place.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from wemasy_mcp.misspelt import SERVICE_ADDRESS, misspelt
from wemasy_mcp.pasted_token import read_token

PREFIX = "WEMASY_"
DEFAULT_BASE_URL = "https://api.wemasy.nl/api"

MAX_SECRET_FILE = 65_536
"""Characters that are read of a secret's file."""

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_PATH_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,16}")

OVER_HTTP_ONLY = frozenset(
    {
        "allowed_hosts",
        "allowed_origins",
        "auth_audience",
        "auth_issuer",
        "auth_jwks_url",
        "auth_scopes",
        "host",
        "path_prefix",
        "port",
        "server_token",
        "server_token_file",
        "user_token_header",
    }
)
"""The settings that say nothing over stdio."""

FORWARDED_PREFIX = "x-forwarded-prefix"
"""The value of `path_prefix` that means: whatever the proxy says in this header."""

CommaSeparated = Annotated[tuple[str, ...], NoDecode]
"""A setting of several values, separated by commas."""


def expand_home(path: str) -> str:
    """Return `path` with `~` as the home folder; as it is where there is none, which `Path.expanduser` raises for."""
    return os.path.expanduser(path)  # noqa: PTH111


UserPath = Annotated[Path, AfterValidator(lambda path: Path(expand_home(str(path))))]
"""A path in which `~` is the home folder: no shell expands it in a host's `env` or in an env file."""


class SettingsError(ValueError):
    """A setting is missing or cannot be used. `str()` of it is one line that names the variable."""

    def __init__(self, variable: str, problem: str, further: Sequence["SettingsError"] = ()) -> None:
        self.variable = variable
        self.problem = problem
        self.further = tuple(further)
        """What else cannot be used."""
        super().__init__(f"{variable} {problem}")


class Settings(BaseSettings):
    """One field a variable: `api_token` is `WEMASY_API_TOKEN`. The descriptions make the README's table."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        env_file_encoding="utf-8-sig",  # Windows editors begin a file with a byte order mark
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
    )

    @classmethod
    def settings_customise_sources(  # type: ignore[override]
        cls, _: object, init_settings: PydanticBaseSettingsSource, **__: object
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what is given: `read_settings` reads the sources, and can leave out what cannot be used."""
        return (init_settings,)

    api_token: SecretStr | None = Field(
        None, description="the Wemasy API token; a `Bearer ` prefix, surrounding spaces or quotes are tolerated"
    )
    api_token_file: UserPath | None = Field(None, description="a file that holds it (Docker and Kubernetes secrets)")
    base_url: str = Field(DEFAULT_BASE_URL, description="https, or http on loopback only; no credentials, no query")
    timeout_seconds: float = Field(
        20, gt=0, le=600, allow_inf_nan=False, description="the whole call, connecting included (connecting: at most 5)"
    )
    answer_seconds: float = Field(
        4.5,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="when a call is answered at the latest, even if Wemasy has not; up to `WEMASY_TIMEOUT_SECONDS` "
        "for a patient client",
    )
    keepalive_seconds: float = Field(
        4,
        ge=0,
        le=600,
        allow_inf_nan=False,
        description="how long an idle connection to the API may be used again, less where the API's "
        "`Keep-Alive: timeout` says so; 0: every write has its own",
    )
    repeats: Literal["join", "send"] = Field(
        "join",
        description="`join`: a call equal to one under way, or to one whose answer could not be delivered, gets its "
        "answer; `send` sends every call",
    )
    tools: CommaSeparated = Field((), description="comma-separated names to offer; all when unset")
    null_arguments: Literal["send", "drop"] = Field(
        "send", description="`drop` for the few clients that fill every omitted argument with null"
    )
    sandbox: bool = Field(False, description="serve the embedded sandbox instead of the real API; no token needed")
    sandbox_db: Annotated[str, AfterValidator(expand_home)] = Field(
        ":memory:", description="the file in which the sandbox keeps what is written"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="what is logged to stderr")
    log_format: Literal["text", "json"] = Field(
        "text", description="`text` or `json`; never a token, an argument's value or a body"
    )
    transport: Literal["stdio", "sse", "streamable-http"] = Field("stdio", description="how clients connect")
    host: str = Field("127.0.0.1", description="the address that SSE and streamable HTTP listen on")
    port: int = Field(8000, ge=0, le=65535, description="its port; 0 takes a free one")
    server_token: SecretStr | None = Field(
        None,
        description="what HTTP clients must present as `Authorization: Bearer …`; "
        "several, comma-separated, for rotation",
    )
    server_token_file: UserPath | None = Field(None, description="a file that holds it")
    auth_issuer: str | None = Field(None, description="accept OAuth 2 access tokens (JWT) of this issuer instead")
    auth_audience: str | None = Field(None, description="the audience that such a token must name")
    auth_jwks_url: str | None = Field(None, description="where the issuer publishes its keys")
    auth_scopes: CommaSeparated = Field(
        (), description="scopes that such a token must have; published in the metadata and asked for in the challenge"
    )
    path_prefix: str = Field(
        "",
        description="the path under which a proxy shows this server, where it strips it; `X-Forwarded-Prefix`: "
        "the proxy says it in that header",
    )
    allowed_hosts: CommaSeparated = Field((), description="`Host` headers taken, exactly; loopback when unset")
    allowed_origins: CommaSeparated = Field((), description="`Origin` headers taken, exactly; loopback when unset")
    redis_url: SecretStr | None = Field(
        None, description="replicas share the cooldown after a 429 through this Redis (extra `redis`)"
    )
    redis_password_file: UserPath | None = Field(None, description="a file that holds its password")
    user_token_header: str | None = Field(
        None, description="HTTP clients bring their own Wemasy token in this header, e.g. `X-Wemasy-Token`"
    )

    @field_validator("tools", "allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("auth_scopes", mode="before")
    @classmethod
    def _split_scopes(cls, value: object) -> object:
        # As OAuth separates them (RFC 6749, section 3.3), or with commas as other settings do.
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("auth_scopes")
    @classmethod
    def _check_scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_SCOPE.fullmatch(scope) for scope in value):
            raise ValueError("should hold scopes, which have no quotes, backslashes or characters beyond ASCII.")
        return value

    @field_validator("path_prefix")
    @classmethod
    def _check_path_prefix(cls, value: str) -> str:
        prefix = value.strip().rstrip("/")
        if prefix.casefold() == FORWARDED_PREFIX:
            return FORWARDED_PREFIX
        if prefix and not is_path_prefix(prefix):
            raise ValueError("should be a path such as /wemasy, or X-Forwarded-Prefix.")
        return prefix

    @field_validator("log_level", mode="before")
    @classmethod
    def _read_level(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("api_token")
    @classmethod
    def _check_token(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is None else SecretStr(read_token(value.get_secret_value()))

    @field_validator("port", mode="before")
    @classmethod
    def _check_port(cls, value: object) -> object:
        if isinstance(value, str) and SERVICE_ADDRESS.match(value):
            raise ValueError(
                "holds an address, not a port: Kubernetes sets it for a Service named wemasy. "
                "Set `enableServiceLinks: false` in the pod's spec, or set the variable there yourself."
            )
        return value

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        return read_base_url(value)


def variable_of(field: str) -> str:
    """Return the environment variable of a field of `Settings`."""
    return PREFIX + field.upper()


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of the settings, and what could not."""

    settings: Settings
    """What cannot be used is at its default here."""
    problems: tuple[SettingsError, ...]
    misspelt: tuple[str, ...]
    """A sentence for each variable that looks like a setting and is not."""

    def problem_with(self, field: str) -> SettingsError | None:
        """Return why a setting cannot be used, None if it can."""
        return next((problem for problem in self.problems if problem.variable == variable_of(field)), None)

    def verify(self) -> Settings:
        """Return the settings.

        Raises:
            SettingsError: Names the first setting that cannot be used, and holds the further ones.
        """
        if self.problems:
            first, *further = self.problems
            raise SettingsError(first.variable, first.problem, further)
        return self.settings


def load_settings(env_file: Path | None = None, **flags: Any) -> Settings:
    """Return the settings: flags, then the environment, then `env_file`, then the defaults.

    Raises:
        SettingsError: Names the first variable (or flag) that cannot be used, and holds the further ones.
    """
    return read_settings(env_file, **flags).verify()


def read_settings(env_file: Path | None = None, **flags: Any) -> Reading:
    """Return what can be read of the settings; one that cannot does not take the others with it."""
    environment = EnvSettingsSource(Settings)
    values = {**environment(), **flags}
    names = dict(environment.env_vars)
    problems: list[SettingsError] = []
    if env_file is not None:
        try:
            file = read_env_file(env_file)
        except SettingsError as error:
            problems.append(error)
        else:
            values = {**file(), **values}
            names = {**file.env_vars, **names}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        bad = {str(one["loc"][0]): _problem(one["msg"]) for one in details}
        problems += [SettingsError(variable_of(field), problem) for field, problem in bad.items()]
        settings = Settings(**{name: value for name, value in values.items() if name not in bad})
    return Reading(settings, tuple(problems), tuple(_sentences(names)))


def read_env_file(path: Path) -> DotEnvSettingsSource:
    """Return the settings in a file.

    Raises:
        SettingsError: It cannot be read as text.
    """
    path = Path(expand_home(str(path)))
    if not path.is_file():
        raise SettingsError("--env-file", f"names no file: {path}")
    try:
        return DotEnvSettingsSource(Settings, env_file=path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("--env-file", f"cannot be read: {path} ({_reason(error)})") from None


def unknown_settings(names: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return the variables that look like settings and are not, each with the setting that may be meant."""
    return misspelt(names, map(variable_of, Settings.model_fields))


def api_token(settings: Settings) -> SecretStr:
    """Return the Wemasy API token.

    Raises:
        SettingsError: There is none, or its file cannot be used.
    """
    if settings.api_token is not None:
        return settings.api_token
    if settings.api_token_file is not None:
        variable = variable_of("api_token_file")
        try:
            return SecretStr(read_token(read_secret_file(settings.api_token_file, variable)))
        except SettingsError:
            raise
        except ValueError as error:
            raise SettingsError(variable, f"names a file whose content {error}") from None
    raise SettingsError(variable_of("api_token"), "is not set; put your Wemasy API token there.")


def read_secret_file(path: Path, variable: str) -> str:
    """Return the text of a secret's file.

    Raises:
        SettingsError: It cannot be read as a short text.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MAX_SECRET_FILE + 1)
    except (OSError, ValueError) as error:
        raise SettingsError(variable, f"names a file that cannot be read: {path} ({_reason(error)})") from None
    if len(text) > MAX_SECRET_FILE:
        raise SettingsError(variable, f"names a file of more than {MAX_SECRET_FILE} characters: {path}")
    return text


def read_base_url(text: str) -> str:
    """Return the base URL without a trailing slash.

    Raises:
        ValueError: It is no https URL (or http on loopback), or carries credentials, a query or a fragment.
    """
    text = read_url(text.strip().strip("'\"").rstrip("/"), DEFAULT_BASE_URL)
    if "?" in text or "#" in text:
        raise ValueError("should carry no credentials, no query and no fragment.")
    return text


def read_url(text: str, example: str) -> str:
    """Return the URL, unchanged, if what goes there and comes from there can be trusted.

    Raises:
        ValueError: It is not an https URL (or http on loopback), or carries credentials.
    """
    problem = f"should be an https URL such as {example} (http only on loopback)"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{problem}, in plain ASCII.")
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise ValueError(f"{problem}.") from None
    if not host or port == 0 or url.scheme not in {"https", "http"}:
        raise ValueError(f"{problem}.")
    if url.scheme == "http" and not is_loopback(host):
        raise ValueError(f"{problem}; over http the token could be read on the way.")
    if "@" in url.netloc:
        raise ValueError("should carry no credentials, no query and no fragment.")
    return text


def is_path_prefix(text: str) -> bool:
    """Whether the text is a path of plain characters that begins with a slash and does not end in one."""
    return _PATH_PREFIX.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only."""
    from ipaddress import ip_address

    try:
        return host.casefold() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _sentences(names: Mapping[str, str | None]) -> list[str]:
    return [
        f"{name} is set, but no setting has that name{f'; is {meant} meant?' if meant else '.'}"
        for name, meant in unknown_settings(names)
    ]


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or "no reason given" if isinstance(error, OSError) else "it is not UTF-8 text"


def _problem(message: str) -> str:
    # pydantic's "Input should be less than 600", "Value error, is empty …"
    return message.removeprefix("Value error, ").removeprefix("Input ")
