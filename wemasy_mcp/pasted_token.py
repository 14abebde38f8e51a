"""A token as people paste it: cleaned up if possible, and recognised if what they pasted is not a token.

Hosts differ in the references that they replace (`${NAME}`, `{env:NAME}`, `op://…`); one that a host does not replace
arrives here as text. It is recognised by its form and never sent: Wemasy would answer 401, which does not say why.
"""

import re
import string

MIN_LENGTH = 8
"""Minimum characters of a token. A shorter one would be found, and redacted, all over ordinary text."""

_MAX_PLACEHOLDER = 200
_TOKEN = re.compile(r"[\x21-\x7e]+")

_REFERENCE = re.compile(
    r"""(?xis)
    [$%!@\#~]? ( \{.*\} | \(.*\) ) [$%!@\#~]?         # ${NAME}  {env:NAME}  {{ name }}  $(command)  #{NAME}#
    | `.*` | .*( <.+> | \[.+\] | \{.+\} | \(.+\) ).*   # <token>  wmsy_<token>  ENC[AES,…]  %(name)s  {cipher}…
    | \$[a-z_][\w:.\[\]'"]*                           # $NAME  $env:NAME  $ENV['NAME']
    | %[^%]+% | ![^!]+! | @[^@]+@ | __\w+__ | \#[^\#]+\#
    | (process\.env|import\.meta\.env|os\.environ|env|input|inputs|secrets|vars|var)[.:].*
    """
)
_SECRET_STORE = re.compile(
    r"(?is)[a-z0-9][a-z0-9+.-]*://.*"  # op://vault/item, secret://name, https://…: no token is a URL
    r"|(akv|arn|aws|azure|azurekeyvault|bitwarden|bw|bws|doppler|file|gcp|gopass|infisical|kc|keepass|keychain|keyring"
    r"|op|pass|passbolt|ref|resolve|secret|secret-?ref|sm|sops|ssm|vault)[:(\[].*"
    r"|@microsoft\.keyvault\(.*|projects/[^/]+/secrets/.*"
)
_PATH = re.compile(
    r"(?is)(~|\.{1,2}|\\|%\w+%|\$(env:)?\w+)[/\\].*|[a-z]:[/\\].*|/(etc|home|mnt|opt|root|run|secrets|tmp|users|usr|var)/.*"
)
_NAMED = re.compile(r"(?is)(export\s+)?(wemasy[_-])?(api[_-]?)?token\s*[=:].+|authorization\s*:.*")
_WORDS = """
wemasy api assistant access account auth authorization bearer credentials credential key pat personal secret
token string text value the this your its from with here
jouw mijn hier sleutel vul plak dein deine deinen ihr ihren hierher schluessel eintragen einsetzen
votre ton mon ici jeton inserer inserez aqui clave tuo chiave inserisci inserire seu chave insira
insert enter paste put fill add set copy copied change changeme replaceme replace get generated goes please
placeholder example sample dummy demo test testing password changeit fake foobar foo bar actual real valid
tbd todo fixme redacted
nan null none nil undefined unset empty true false
"""
_WORD = "|".join(sorted(_WORDS.split(), key=len, reverse=True))  # the longest match wins
_LITTLE = "a|ai|an|de|el|id|il|in|it|la|le|me|mi|my|n|na|of|or|su|to|tu|uw"
_APART = r"(?![a-z])[\W\d_]*+"
_FILLER = re.compile(
    rf"(?is)(\d+\|)?[\W_]*+(?>(?:{_LITTLE}){_APART})*+(?>{_WORD})++{_APART}(?>((?>{_WORD})++|{_LITTLE}){_APART})*+"
    r"|n/?a"
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
    _NAMED: "holds a name in front of the token: put only the token itself there.",
    _PATH: "holds a path instead of a token; to read the token from a file, name it in WEMASY_API_TOKEN_FILE.",
    _REFERENCE: f"{_UNFILLED}: nothing replaced it. Either this host does not expand placeholders of that form, "
    "or what it refers to is not set.",
    _FILLER: f"{_UNFILLED}: it was never filled in.",
}


def read_token(text: str) -> str:
    """Return the bare token from what people paste, without `Bearer ` and what else may stand around it.

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
    # Spaces, also those that cannot be seen, quotes, and what stands behind a value in code.
    return text.strip(f"{string.whitespace}\xa0\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff'\"“”‘’,;")
