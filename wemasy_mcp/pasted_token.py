"""A token as people paste it: cleaned up if possible, and recognised if what they pasted is not a token.

Hosts differ in the references that they replace (`${NAME}`, `{env:NAME}`, `op://…`); one that a host does not replace
arrives here as text. It is recognised by its form and never sent: Wemasy would answer 401, which does not say why.
"""

import re

MIN_LENGTH = 8
"""Minimum characters of a token. A shorter one would be found, and redacted, all over ordinary text."""

_MAX_PLACEHOLDER = 200
_TOKEN = re.compile(r"[\x21-\x7e]+")

_REFERENCE = re.compile(
    r"""(?xis)
    [$%!@\#~]? ( \{.*\} | \(.*\) ) [$%!@\#~]?         # ${NAME}  {env:NAME}  {{ name }}  $(command)  #{NAME}#
    | <.*> | \[.*\] | `.*`                            # <token>  [token]  <%= name %>
    | \$[a-z_][\w:.\[\]'"]*                           # $NAME  $env:NAME  $ENV['NAME']
    | %[^%]+% | ![^!]+! | @[^@]+@ | __\w+__ | \#[^\#]+\#
    | (process\.env|os\.environ|env|input|inputs|secrets|vars|var)[.:\[(].*
    """
)
_SECRET_STORE = re.compile(
    r"(?is)[a-z][a-z0-9+.-]*://.*"  # op://vault/item, secret://name, https://…: no token is a URL
    r"|(arn|file|keychain|keyring|op|ref|secret|sm|sops|ssm|vault|azurekeyvault|resolve)[:(\[].*"
    r"|@microsoft\.keyvault\(.*|projects/[^/]+/secrets/.*"
)
_PATH = re.compile(r"(?is)(~|\.{1,2})[/\\].*|[a-z]:[/\\].*|/(etc|home|mnt|opt|root|run|secrets|tmp|users|usr|var)/.*")
_WORDS = """
wemasy api assistant access account auth authorization bearer credentials credential key pat personal secret
token string text value the this your its from with here jouw mijn
insert enter paste put fill add set copy copied change changeme replaceme replace get generated goes please
placeholder example sample dummy fake foobar foo bar actual real valid tbd todo fixme redacted
nan null none nil undefined unset empty true false
"""
_WORD = "|".join(sorted(_WORDS.split(), key=len, reverse=True))  # the longest match wins
_FILLER = re.compile(
    rf"(?is)(\d+\|)?(?>((?>{_WORD})++|a|ai|an|id|in|it|me|my|n|na|of|or|to|uw)(?![a-z])[\W\d_]*+)++"
    r"|(\d+\|)?+(\w)(\4|[\W_])*+"  # one character only, as in 7|xxxx-xxxx and 0000
    r"|[\W_]+"  # ..., ****, ???
    r"|0?1234567\d*"
    r"|.*(\.{3}|\*{3}|x{6}).*"  # shortened or masked, as in wmsy_abc...xyz
)
"""Words that people write in place of a token (`YOUR_WEMASY_API_TOKEN`, `null`, `change-me`), and other fillers."""

_UNFILLED = "still holds a placeholder instead of a token"
_KINDS = {
    _SECRET_STORE: "holds a reference to a secret instead of the token: resolve it before this server starts "
    "(for 1Password, with `op run`).",
    _PATH: "holds a path instead of a token; to read the token from a file, name it in WEMASY_API_TOKEN_FILE.",
    _REFERENCE: f"{_UNFILLED}: nothing replaced it. Either this host does not expand placeholders of that form, "
    "or what it refers to is not set.",
    _FILLER: f"{_UNFILLED}: it was never filled in.",
}


def read_token(text: str) -> str:
    """Return the bare token from what people paste, without `Bearer ` and without spaces and quotes around it.

    Raises:
        ValueError: It is empty, too short, a placeholder, or not allowed in an HTTP header. The value is not shown.
    """
    token = _bare(text)
    if token.casefold().partition(" ")[0] == "bearer":
        token = _bare(token[6:])
    if not token:
        raise ValueError("is empty; put your Wemasy API token there.")
    if len(token) <= _MAX_PLACEHOLDER:
        for kind, problem in _KINDS.items():
            if kind.fullmatch(token):
                raise ValueError(problem)
    if not _TOKEN.fullmatch(token):
        raise ValueError("holds spaces, line breaks or characters that no token has; copy the token again.")
    if len(token) < MIN_LENGTH:
        raise ValueError(f"is shorter than any token ({MIN_LENGTH} characters); copy the token again.")
    return token


def _bare(text: str) -> str:
    return text.strip().strip("'\"“”‘’").strip()
