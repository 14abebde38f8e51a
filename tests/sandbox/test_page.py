"""The sandbox's page as a person sees it. Each wait is bounded; a page that shows nothing fails it."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from api_document import SAVE_MEMORY, UPDATE_CONNECTION
from support.chromium import chromium, missing, prefer
from support.sandbox_process import Sandbox, running
from wemasy_mcp.sandbox import SANDBOX_TOKEN

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}"),
]

SECONDS_TO_SHOW = 20
SAVE = f"/api/{SAVE_MEMORY.path}"
SCRIPT = "<script>document.title = 'taken over'</script>"


class Page:
    """The page in a browser, and the API behind it."""

    def __init__(self, browser: "Chrome", sandbox: Sandbox) -> None:
        self.browser = browser
        self.origin = sandbox.origin
        self._client = httpx2.Client(
            base_url=sandbox.origin, headers={"Authorization": f"Bearer {SANDBOX_TOKEN}"}, trust_env=False, timeout=20
        )

    def open(self) -> None:
        self.browser.get(f"{self.origin}/")
        self.until(lambda: self.text("#link") == "Live" and self.all("[data-collection]"))

    def save(self, **arguments: Any) -> httpx2.Response:
        return self._client.post(SAVE, json={"kind": "fact"} | arguments)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._client.get("/_sandbox/state").json()
        return state

    def close(self) -> None:
        self._client.close()

    def one(self, selector: str) -> "WebElement":
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> "list[WebElement]":
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def fill(self, selector: str, value: str) -> None:
        self.one(selector).send_keys(Keys.CONTROL, "a")
        self.one(selector).send_keys(value)

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((found) => found.textContent)"
        texts: list[str] = self.browser.execute_script(script, selector)
        return texts

    def until(self, seen: Callable[[], object]) -> None:
        WebDriverWait(self.browser, SECONDS_TO_SHOW, poll_frequency=0.05).until(lambda _: seen())

    def complaints(self) -> list[str]:
        """What the browser's console says: errors of scripts, of loading, and of the content security policy."""
        return _read_console(self.browser)


def _read_console(browser: Any) -> list[str]:
    """Return what was said since the last reading. Selenium has no types for it."""
    return [entry["message"] for entry in browser.get_log("browser")]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Chrome]":
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: "Chrome") -> Iterator[Page]:
    with running() as sandbox:
        opened = Page(browser, sandbox)
        _read_console(browser)
        try:
            opened.open()
            yield opened
        finally:
            browser.get("about:blank")
            opened.close()


def test_the_page_shows_what_the_sandbox_holds_and_the_browser_has_no_complaint(page: Page) -> None:
    assert page.text("#base-url") == f"{page.origin}/api"
    assert page.texts("[data-collection=connections] tbody td:nth-child(2)") == [
        "My OpenAI Production Key",
        "Translations",
        "Support chat",
        "Marketing site assistant",
    ]
    assert page.text("#remaining") == "60"
    assert page.text("#no-requests").startswith("None yet.")
    assert page.complaints() == []


async def test_a_memory_saved_through_mcp_is_shown_without_a_reload(page: Page) -> None:
    environment = {"WEMASY_BASE_URL": f"{page.origin}/api", "WEMASY_API_TOKEN": SANDBOX_TOKEN}
    server = StdioServerParameters(command=sys.executable, args=["-m", "wemasy_mcp"], env={**os.environ, **environment})
    async with Client(server) as client:
        result = await client.call_tool(SAVE_MEMORY.tool, SAVE_MEMORY.sample_request)

    assert not result.is_error
    page.until(lambda: page.texts("[data-collection=memories] tbody td"))
    assert page.texts("[data-collection=memories] tbody td") == [
        "1",
        "fact",
        "company_primary_color",
        "#3B82F6",
        "[0.0231, -0.0412, 0.0891]",
        json.dumps(SAVE_MEMORY.sample_request["metadata"]),
    ]
    assert page.text(".journal .status") == "200"
    assert page.text("#remaining") == "59"
    assert page.one("#meter").get_attribute("value") == "59"
    assert page.complaints() == []


def test_markup_in_a_value_is_text(page: Page) -> None:
    page.save(key="<img src=x onerror=alert(1)>", value=SCRIPT)

    page.until(lambda: page.texts("[data-collection=memories] tbody td"))
    assert page.texts("[data-collection=memories] tbody td")[2:4] == ["<img src=x onerror=alert(1)>", SCRIPT]
    assert page.all("tbody script, tbody img") == []
    assert page.browser.title == "Wemasy sandbox"
    assert page.complaints() == []


def test_a_script_that_gets_into_the_page_does_not_run(page: Page) -> None:
    """The content security policy, should the escaping ever fail."""
    page.browser.execute_script('document.body.innerHTML += \'<img src="/_sandbox/icon.svg" onload="top.ran=1">\'')

    page.until(lambda: any("Content Security Policy" in said for said in page.complaints()))
    assert page.browser.execute_script("return top.ran") is None


def test_what_the_rules_said_is_shown(page: Page) -> None:
    page.save(kind="note")

    page.until(lambda: page.texts(".journal .why") == ["The selected kind is invalid."])
    assert page.texts(".journal .status") == ["422"]
    assert page.texts("#announcement") == ["422: The selected kind is invalid."]


@pytest.mark.parametrize(
    ("fault", "status", "pending"),
    [
        ("401", 401, "401 × 2"),
        ("403", 403, "403 × 2"),
        ("422", 422, "422 × 2"),
        ("429", 429, "429, retry after 7 s × 2"),
        ("500", 500, "500 × 2"),
    ],
)
def test_a_fault_button_makes_the_next_calls_fail(page: Page, fault: str, status: int, pending: str) -> None:
    page.fill("#count", "2")
    page.fill("#retry-after", "7")
    page.one(f"[data-fault='{fault}']").click()
    page.until(lambda: page.texts(".chip") == [pending])

    answers = [page.save() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].headers.get("Retry-After") == ("7" if fault == "429" else None)
    page.until(lambda: page.texts(".journal .status") == ["200", fault, fault])
    assert page.texts(".chip") == []


def test_a_lost_answer_is_shown_with_what_was_saved(page: Page) -> None:
    page.one("[data-fault=lost_answer]").click()
    page.until(lambda: page.texts(".chip") == ["Lost"])

    with pytest.raises(httpx2.RemoteProtocolError):
        page.save(key="kept")

    page.until(lambda: page.texts(".journal .status") == ["no answer"])
    assert page.texts("[data-collection=memories] tbody td")[2] == "kept"


def test_silence_can_be_ordered_and_cleared(page: Page) -> None:
    page.one("[data-fault=timeout]").click()
    page.until(lambda: page.texts(".chip") == ["Silence"])
    page.one("#clear").click()

    page.until(lambda: page.texts(".chip") == [])
    assert page.save().status_code == 200


def test_an_order_that_is_refused_says_why(page: Page) -> None:
    page.fill("#count", "100")
    page.one("[data-fault='500']").click()
    page.until(lambda: page.texts(".chip") == ["500 × 100"])
    page.one("[data-fault='500']").click()

    page.until(lambda: page.text("#pending") == "At most 100 faults can be pending.")


@pytest.mark.parametrize(
    ("title", "collection", "expected"),
    [
        ("Save memory", "memories", "company_primary_color"),
        ("Update AI connection", "connections", UPDATE_CONNECTION.sample_request["name"]),
    ],
)
def test_an_example_call_can_be_sent_from_the_page(page: Page, title: str, collection: str, expected: str) -> None:
    (button,) = (button for button in page.all("#examples button") if button.text == title)
    button.click()

    page.until(lambda: expected in page.texts(f"[data-collection={collection}] tbody td"))
    assert page.texts(".journal .status") == ["200"]
    assert page.complaints() == []


def test_a_page_follows_a_dark_system(page: Page) -> None:
    def background() -> str:
        colour: str = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        return colour

    prefer(page.browser, "light")
    light = background()
    prefer(page.browser, "dark")

    assert (light, background()) == ("rgb(244, 245, 247)", "rgb(16, 19, 26)")
    prefer(page.browser, "light")


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(page: Page) -> None:
    page.save()
    page.until(lambda: page.texts(".journal .status") == ["200"])
    reached: set[str] = set()
    for _ in range(40):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(page.browser.switch_to.active_element.accessible_name)

    controls = page.all("button:not([hidden]), input, [tabindex='0']")
    names = {control.accessible_name for control in controls if control.is_displayed()}
    assert "" not in names
    assert names <= reached


def test_a_hidden_page_asks_nothing_and_catches_up_when_it_is_shown_again(page: Page) -> None:
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    announce = "document.dispatchEvent(new Event('visibilitychange'))"
    page.browser.execute_script(hide % "true" + announce)
    page.save()
    page.browser.execute_script(hide % "false" + announce)

    page.until(lambda: page.texts(".journal .status") == ["200"])


def test_a_long_value_can_be_read_whole(page: Page) -> None:
    value = "word " * 200 + "end"
    page.save(value=value, metadata={"deep": ["x" * 400]})
    page.until(lambda: page.texts("[data-collection=memories] .opener") == ["1"])
    assert value not in page.texts("[data-collection=memories] td")

    page.one("[data-collection=memories] .opener").send_keys(Keys.ENTER)

    page.until(lambda: page.one("dialog").is_displayed())
    shown = dict(zip(page.texts("#values dt"), page.texts("#values dd"), strict=True))
    assert (page.text("#record-title"), shown["value"]) == ("Memories #1", value)
    assert json.loads(shown["metadata"]) == {"deep": ["x" * 400]}
    page.one("#close").click()
    assert not page.one("dialog").is_displayed()
    assert page.complaints() == []


def test_the_records_can_be_emptied_once_that_is_confirmed(page: Page) -> None:
    page.save()
    page.until(lambda: page.texts("[data-collection=memories] .opener") == ["1"])

    page.one("#empty").click()
    page.browser.switch_to.alert.dismiss()
    assert page.state()["collections"][1]["count"] == 1
    page.one("#empty").click()
    page.browser.switch_to.alert.accept()

    page.until(lambda: page.texts("[data-collection=memories] .opener") == [])
    assert len(page.texts("[data-collection=connections] .opener")) == 4


def test_how_a_client_gets_here_is_copied_with_one_click(page: Page) -> None:
    env = {"WEMASY_BASE_URL": f"{page.origin}/api", "WEMASY_API_TOKEN": SANDBOX_TOKEN}
    assert json.loads(page.text("#as-api")) == env
    permission = {"origin": page.origin, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    page.browser.execute_cdp_cmd("Browser.grantPermissions", permission)

    page.one("[data-copy=sharing]").click()

    page.until(lambda: page.text("[data-copy=sharing]") == "Copied")
    assert page.text("#sharing") == "wemasy-mcp sandbox --sandbox-db sandbox.db"
    pasted = page.browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert pasted == page.text("#sharing")


def test_a_narrow_page_shows_every_value_without_scrolling_sideways(page: Page) -> None:
    page.save(key="narrow", value="a value " * 9, embedding="[0.5]", metadata={"a": 1})
    size = {"width": 400, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    usual = {**size, "width": 1320, "height": 960}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.until(lambda: page.texts("[data-collection=memories] .opener") == ["1"])
        edges = page.browser.execute_script(
            "return [...document.querySelectorAll('td bdi')].map((it) => it.getBoundingClientRect().right)"
        )
        assert max(edges) <= 400
        assert page.browser.execute_script("return document.documentElement.scrollWidth") == 400
    finally:
        page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", usual)
