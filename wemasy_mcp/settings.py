"""The settings: their names, defaults and checks.

Every error names the variable and never shows its value: a value may be a secret, or be in the wrong place.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from wemasy_mcp.misspelt import SERVICE_ADDRESS
from wemasy_mcp.pasted_token import read_token
from wemasy_mcp.urls import read_base_url

PREFIX = "WEMASY_"
DEFAULT_BASE_URL = "https://api.wemasy.nl/api"

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
"""The settings that have no effect over stdio."""

FORWARDED_PREFIX = "x-forwarded-prefix"
"""The value of `path_prefix` that means: use what the proxy says in this header."""

CommaSeparated = Annotated[tuple[str, ...], NoDecode]
"""A setting with several values, separated by commas."""


def expand_home(path: str) -> str:
    """Return `path` with `~` expanded; unchanged if there is no home folder, for which `Path.expanduser` raises."""
    return os.path.expanduser(path)  # noqa: PTH111


UserPath = Annotated[Path, AfterValidator(lambda path: Path(expand_home(str(path))))]
"""A path in which `~` means the home folder: no shell expands it in a host's `env` or in an env file."""


class SettingsError(ValueError):
    """A setting is missing or cannot be used. Its `str()` is one line that names the variable."""

    def __init__(self, variable: str, problem: str, further: Sequence["SettingsError"] = ()) -> None:
        self.variable = variable
        self.problem = problem
        self.further = tuple(further)
        """The other settings that cannot be used."""
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
        """Use only the arguments: `read_settings` reads the sources, and can leave out what cannot be used."""
        return (init_settings,)

    api_token: SecretStr | None = Field(
        None, description="the Wemasy API token; a `Bearer ` prefix, surrounding spaces or quotes are tolerated"
    )
    api_token_file: UserPath | None = Field(None, description="a file that holds it (Docker and Kubernetes secrets)")
    base_url: str = Field(DEFAULT_BASE_URL, description="https, or http on loopback only; no credentials, no query")
    timeout_seconds: float = Field(
        20, gt=0, le=600, allow_inf_nan=False, description="limit for the whole call, including at most 5 to connect"
    )
    answer_seconds: float = Field(
        4.5,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="a call is answered within this time, even if Wemasy has not answered yet; for a client that waits "
        "longer, up to `WEMASY_TIMEOUT_SECONDS`",
    )
    keepalive_seconds: float = Field(
        4,
        ge=0,
        le=600,
        allow_inf_nan=False,
        description="how long an idle connection to the API may be reused, or less if the API's `Keep-Alive: timeout` "
        "says so; 0 opens a new connection for every write",
    )
    repeats: Literal["join", "send"] = Field(
        "join",
        description="`join`: a call identical to one under way, or to one whose answer could not be delivered, gets "
        "its answer; `send` sends every call",
    )
    tools: CommaSeparated = Field((), description="comma-separated names of the tools to offer; all when unset")
    null_arguments: Literal["send", "drop"] = Field(
        "send", description="`drop` for the few clients that fill every omitted argument with null"
    )
    sandbox: bool = Field(False, description="serve the embedded sandbox instead of the real API; no token needed")
    sandbox_db: Annotated[str, AfterValidator(expand_home)] = Field(
        ":memory:", description="the file where the sandbox keeps its records"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="what is logged to stderr")
    log_format: Literal["text", "json"] = Field(
        "text", description="`text` or `json`; never a token, an argument's value or a body"
    )
    transport: Literal["stdio", "sse", "streamable-http"] = Field("stdio", description="how clients connect")
    host: str = Field("127.0.0.1", description="the address that SSE and streamable HTTP listen on")
    port: int = Field(8000, ge=0, le=65535, description="its port; 0 picks a free one")
    server_token: SecretStr | None = Field(
        None,
        description="the token that HTTP clients must send as `Authorization: Bearer …`; "
        "several, comma-separated, for rotation",
    )
    server_token_file: UserPath | None = Field(None, description="a file that holds it")
    auth_issuer: str | None = Field(None, description="accept OAuth 2 access tokens (JWT) from this issuer instead")
    auth_audience: str | None = Field(None, description="the audience that these tokens must have")
    auth_jwks_url: str | None = Field(None, description="where the issuer publishes its keys")
    auth_scopes: CommaSeparated = Field(
        (), description="scopes that these tokens must have; published in the metadata and requested in the challenge"
    )
    path_prefix: str = Field(
        "",
        description="the path under which a proxy publishes this server, if the proxy strips it; "
        "`X-Forwarded-Prefix` to read it from that header",
    )
    allowed_hosts: CommaSeparated = Field(
        (), description="`Host` headers to accept, exactly as sent; loopback when unset"
    )
    allowed_origins: CommaSeparated = Field(
        (), description="`Origin` headers to accept, exactly as sent; loopback when unset"
    )
    redis_url: SecretStr | None = Field(
        None, description="replicas share the cooldown after a 429 through this Redis (extra `redis`)"
    )
    redis_password_file: UserPath | None = Field(None, description="a file that holds its password")
    user_token_header: str | None = Field(
        None, description="HTTP clients send their own Wemasy token in this header, e.g. `X-Wemasy-Token`"
    )

    @field_validator("tools", "allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("auth_scopes", mode="before")
    @classmethod
    def _split_scopes(cls, value: object) -> object:
        # Separated by spaces as in OAuth (RFC 6749, section 3.3), or by commas as in other settings.
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
        level = value.upper() if isinstance(value, str) else value
        return "WARNING" if level == "WARN" else level

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
        return read_base_url(value, DEFAULT_BASE_URL)

    @field_validator("*", mode="before")
    @classmethod
    def _strip(cls, value: object) -> object:
        # Last, because the last is run first. The Windows command prompt keeps a space at the end, and quotes.
        if not isinstance(value, str):
            return value
        bare = value.strip()
        is_quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\""
        return bare[1:-1].strip() if is_quoted else bare


def variable_of(field: str) -> str:
    """Return the environment variable of a field of `Settings`."""
    return PREFIX + field.upper()


def is_path_prefix(text: str) -> bool:
    """Return whether the text is a path of plain characters that begins with a slash and does not end in one."""
    return _PATH_PREFIX.fullmatch(text) is not None


def reason_of(error: OSError | ValueError) -> str:
    """Return the reason why a file cannot be read as text."""
    return error.strerror or "no reason given" if isinstance(error, OSError) else "it is not UTF-8 text"
