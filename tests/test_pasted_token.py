"""What people paste where a token belongs: read if it is one, and recognised by its kind if it is not."""

import re

import pytest

from support.program import TOKEN
from wemasy_mcp.pasted_token import read_token

EMPTY = "is empty; put your Wemasy API token there."
UNFILLED = "still holds a placeholder instead of a token: it was never filled in."
UNRESOLVED = (
    "still holds a placeholder instead of a token: nothing replaced it. Either this host does not expand placeholders "
    "of that form, or what it refers to is not set."
)
STORED = (
    "holds a reference to a secret instead of the token: resolve it before this server starts "
    "(for 1Password, with `op run`)."
)
PATH = "holds a path instead of a token; to read the token from a file, name it in WEMASY_API_TOKEN_FILE."
BROKEN = "holds spaces, line breaks or characters that no token has; copy the token again."
NAMED = "holds a name in front of the token: put only the token itself there."
SHORT = "is shorter than any token (8 characters); copy the token again."

NOT_A_TOKEN = {
    EMPTY: ("", "  ", "''", "Bearer ''", "Bearer", " bearer "),
    UNRESOLVED: (
        *("${WEMASY_API_TOKEN}", "${input:wemasy-token}", "${env:TOKEN}", "${TOKEN:-}", "${{ secrets.TOKEN }}"),
        *("{env:WEMASY_API_TOKEN}", "{file:~/.token}", "{{ token }}", "{TOKEN}", "$TOKEN", "$env:TOKEN", "$ENV['T']"),
        *("$(cat ~/.token)", "`pass wemasy`", "%WEMASY_API_TOKEN%", "!TOKEN!", "@TOKEN@", "__TOKEN__", "#{TOKEN}#"),
        *("<your token>", "<%= token %>", "[token]", "[object Object]", "(token)", "process.env.TOKEN", "env:TOKEN"),
        *("secrets.WEMASY_API_TOKEN", "os.environ['TOKEN']", "${user_config.api_token}", "Bearer ${TOKEN}"),
        *("%(TOKEN)s", "wmsy_<token>", "ENC[AES256_GCM,data:q83v,iv:7d]", "{cipher}AQB123", 'getenv("TOKEN")'),
        "import.meta.env.WEMASY_API_TOKEN",
    ),
    STORED: (
        *("op://Private/Wemasy/token", "vault://secret/wemasy", "doppler://wemasy", "https://wemasy.nl/tokens"),
        *("vault:secret/data/wemasy", "arn:aws:secretsmanager:eu-west-1:1:secret:w", "keychain:wemasy"),
        *("1password://Private/Wemasy", "aws:secretsmanager:wemasy", "pass:wemasy/token", "secretRef:wemasy"),
        *("@Microsoft.KeyVault(SecretUri=x)", "projects/1/secrets/wemasy/versions/latest"),
    ),
    PATH: (
        *("~/.token", "./token", "../token.txt", "C:\\Users\\me\\token.txt", "/run/secrets/wemasy", "/home/me/t"),
        *("c:/token.txt", "\\\\server\\share\\token", "%USERPROFILE%\\token", "$env:USERPROFILE\\token", "$HOME/token"),
    ),
    UNFILLED: (
        *("YOUR_API_TOKEN", "YOUR_WEMASY_API_TOKEN", "your-token-here", "Bearer YOUR_API_TOKEN", "YourWemasyApiToken"),
        *("yourapitoken", "WEMASY_API_TOKEN", "insert token here", "PASTE_YOUR_TOKEN_HERE", "change-me", "ChangeMe"),
        *("replace_with_your_token", "placeholder", "example-token-123", "TODO", "tbd", "n/a", "token", "API_KEY"),
        *("null", "None", "nil", "undefined", "NaN", "false", "...", "…", "……", "***", "****", "••••", "????", "--"),
        *("xxx", "XXXXXXXX", "xxxx-xxxx-xxxx", "7|xxxxxxxx", "7|...", "1|your_token", "0000000000", "12345678"),
        *("wmsy_xxxxxxxxxxxx", "wmsy_abcd...wxyz", "wmsy_****", "jouw-token", "jouw-token-hier", "DEIN_API_TOKEN"),
        *("VOTRE_TOKEN", "TU_TOKEN_AQUI", "IL_TUO_TOKEN", "SEU_TOKEN", "##TOKEN##", "~~token~~", "**TOKEN**"),
        *("--TOKEN--", "<YOUR_TOKEN", "changeit", "test1234"),
    ),
    NAMED: (
        *(f"WEMASY_API_TOKEN={TOKEN}", f"export WEMASY_API_TOKEN={TOKEN}", f"token: {TOKEN}", f"api_token:{TOKEN}"),
        f"Authorization: Bearer {TOKEN}",
    ),
    BROKEN: ("7|abc def", "7|abcd\nX-Injected: 1", "7|abcdef\x00", "7|ábcdefgh", "wmsy_0123\N{ZERO WIDTH SPACE}4567"),
    SHORT: ("q7", "7|abc12", "s3cret"),
}


@pytest.mark.parametrize(
    "pasted",
    [
        TOKEN,
        f"Bearer {TOKEN}",
        f"bearer  {TOKEN}",
        f"  {TOKEN}\r\n",
        f'"{TOKEN}"',
        f"'Bearer {TOKEN}'",
        f'"{TOKEN}",',
        f"{TOKEN};",
        f"\N{ZERO WIDTH SPACE}{TOKEN}\N{NO-BREAK SPACE}",
        f"\N{ZERO WIDTH NO-BREAK SPACE}Bearer {TOKEN}",
        f"“{TOKEN}”",
        f'Bearer "{TOKEN}"',
    ],
)
def test_a_token_is_read_from_what_people_paste(pasted: str) -> None:
    assert read_token(pasted) == TOKEN


@pytest.mark.parametrize(
    "token",
    [
        "sandbox-token",
        "1|of-anna0",
        "12|sZq0Yk3mPx7vQ2hTn8bLr5cWd9fJg1aE4uKo6iRe",
        "d41d8cd98f00b204e9800998ecf8427e",
        "a2a3026982921087",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.9P-qxZ_8",
        "wmsy_live_51H8xxXxq2eZvKYlo",
        "aB+/cD9eFgH0iJkLmN==",
        pytest.param("eyJhbGciOiJSUzI1NiJ9." + "Qm7tVx2LkP9sZr4N" * 40, id="a long one"),
    ],
)
def test_what_may_be_a_token_is_not_taken_for_a_placeholder(token: str) -> None:
    assert read_token(token) == token


@pytest.mark.parametrize(
    ("pasted", "problem"), [(pasted, problem) for problem, cases in NOT_A_TOKEN.items() for pasted in cases]
)
def test_what_is_not_a_token_is_refused_by_its_kind_without_being_shown(pasted: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        read_token(pasted)
