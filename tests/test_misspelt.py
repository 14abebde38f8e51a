"""Names that look like a setting: which setting they may stand for, and which names are left alone."""

import pytest

from wemasy_mcp.misspelt import misspelt
from wemasy_mcp.settings import Settings, variable_of

KNOWN = [variable_of(field) for field in Settings.model_fields]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WEMASY_SANDBX", "WEMASY_SANDBOX"),
        ("wemasy_sandbx", "WEMASY_SANDBOX"),
        ("WEMASY_TOKEN", "WEMASY_API_TOKEN"),
        ("WEMASY_API_KEY", "WEMASY_API_TOKEN"),
        ("WEMASY_KEY", "WEMASY_API_TOKEN"),
        ("WEMASY-API-TOKEN", "WEMASY_API_TOKEN"),
        ("WEMASY_API_TOKEN ", "WEMASY_API_TOKEN"),
        ("WEMASYAPITOKEN", "WEMASY_API_TOKEN"),
        ("WEMSAY_API_TOKEN", "WEMASY_API_TOKEN"),
        ("WEAMSY_API_TOKEN", "WEMASY_API_TOKEN"),
        ("WESAMY_SANDBOX", "WEMASY_SANDBOX"),
        ("VEMASY_BASE_URL", "WEMASY_BASE_URL"),
        ("WEMASY_TIMEOUT", "WEMASY_TIMEOUT_SECONDS"),
        ("WEMASY_URL", "WEMASY_BASE_URL"),
        ("WEMASY_HTTP_PORT", "WEMASY_PORT"),
        ("WEMASY_QQQ", ""),
    ],
)
def test_a_misspelt_name_comes_with_the_setting_that_may_be_meant(name: str, meant: str) -> None:
    assert misspelt({name: "1", "PATH": "/bin"}, KNOWN) == [(name.upper(), meant)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEMASY_API_TOKEN", "x"),
        ("wemasy_port", "1"),
        ("API_TOKEN", "x"),
        ("MY_WEMASYS", "x"),
        ("WEMASY_\x1b[31m", "x"),
        ("WEMASY_SERVICE_HOST", "10.96.0.7"),
        ("WEMASY_SERVICE_PORT_HTTP", "8000"),
        ("WEMASY_PORT_8000_TCP", "tcp://10.96.0.7:8000"),
        ("WEMASY_PORT_8000_TCP_ADDR", "10.96.0.7"),
        ("WEMASY_MCP_PORT", "tcp://10.96.0.7:8000"),
        ("WEMASY_MCP_SERVICE_PORT", "8000"),
    ],
)
def test_settings_names_of_others_and_kubernetes_service_links_are_left_alone(name: str, value: str) -> None:
    assert misspelt({name: value}, KNOWN) == []
