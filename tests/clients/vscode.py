"""A Visual Studio Code in a browser, as far as somebody can go who has no account."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from selenium.common.exceptions import (
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from support.chromium import chromium

from .environments import Program, inherited_environment

SECONDS = 90
"""How long anything may take to appear."""

MOMENT = 6
"""How long something may take that is tried again if it does not appear."""

NOWHERE = "http://127.0.0.1:1"
"""A proxy that is not there: what would leave this machine is refused."""

_LISTENING = re.compile(r"HTTP server listening on (http://127\.0\.0\.1:[0-9]+)/?")

_SETTINGS = {
    "chat.mcp.autostart": "never",
    "extensions.autoCheckUpdates": False,
    "extensions.autoUpdate": False,
    "remote.autoForwardPorts": False,
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
}

_NOT_YET = (ElementNotInteractableException, NoSuchElementException, StaleElementReferenceException)
"""What is said of an element that is being drawn. (A click that another element would get is of the first kind.)"""

Found = TypeVar("Found")


class VSCode:
    """The window, driven as by its user's keyboard and mouse."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser

    def list_servers(self, name: str) -> str:
        """Open the menu of an MCP server; return what the list says of it."""

        def list_and_click() -> str | None:
            self._run("MCP: List Servers")
            # The list may be made before the file is read.
            return self._click(name, MOMENT)

        return self._until(list_and_click)

    def choose(self, label: str) -> None:
        """Choose a row of the menu that is open."""
        assert self._click(label, SECONDS), f"The menu has no {label}."

    def enter(self, question: str, answer: str) -> str:
        """Answer what the window asks; return the type of its input."""
        self._until(lambda: question in self._browser.find_element(By.CSS_SELECTOR, ".quick-input-widget").text)
        kind = self._input().get_attribute("type") or ""
        self._type(answer, Keys.ENTER)
        return kind

    def output(self, last: str) -> str:
        """Return the text of the output that is open, once it holds this."""

        def read() -> str | None:
            lines = self._browser.find_elements(By.CSS_SELECTOR, ".panel .view-line")
            text = "\n".join(line.text for line in lines).replace("\u00a0", " ")
            return text if last in text else None

        return self._until(read)

    def _run(self, command: str) -> None:
        """Run a command from the palette, whatever is open."""

        def type_and_click() -> str | None:
            self._type(Keys.ESCAPE, Keys.ESCAPE, Keys.F1)
            if not self._soon(lambda: self._input().is_displayed() or None, MOMENT):
                return None
            self._type(command)
            return self._click(command, MOMENT)

        self._until(type_and_click)

    def _type(self, *keys: str) -> None:
        ActionChains(self._browser).send_keys(*keys).perform()

    def _click(self, label: str, seconds: float) -> str | None:
        """Click on the row of the open menu that begins with this, and return its text."""
        selector = f'.quick-input-widget .monaco-list-row[aria-label^="{label}"]'

        def find_and_click() -> str | None:
            for row in self._browser.find_elements(By.CSS_SELECTOR, selector):
                said = row.text
                row.click()
                return said
            return None

        return self._soon(find_and_click, seconds)

    def _input(self) -> WebElement:
        return self._browser.find_element(By.CSS_SELECTOR, ".quick-input-widget .quick-input-box input")

    def _soon(self, find: Callable[[], Found | None], seconds: float) -> Found | None:
        try:
            return self._until(find, seconds)
        except TimeoutException:
            return None

    def _until(self, find: Callable[[], Found | None], seconds: float = SECONDS) -> Found:
        def try_it(_: Chrome) -> Found | Literal[False]:
            return find() or False

        return WebDriverWait(self._browser, seconds, ignored_exceptions=_NOT_YET).until(try_it)


def mcp_file(home: Path) -> Path:
    """Return the file in which the user's servers stand."""
    return home / "data" / "User" / "mcp.json"


@contextmanager
def open_vscode(program: Program, home: Path) -> Iterator[VSCode]:
    """Open a window on an empty folder, until the block ends."""
    (settings := home / "data" / "User" / "settings.json").parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(_SETTINGS))
    (folder := home / "folder").mkdir()
    flags = (f"--proxy-server={NOWHERE}", "--proxy-bypass-list=127.0.0.1")
    with _serve(program, home) as url, chromium(flags=flags) as browser:
        browser.get(f"{url}/?folder={folder}")
        yield VSCode(browser)


@contextmanager
def _serve(program: Program, home: Path) -> Iterator[str]:
    script = program.directory / "node_modules" / "code-server" / "out" / "node" / "entry.js"
    flags = ("--auth=none", "--bind-addr=127.0.0.1:0", "--disable-telemetry", "--disable-update-check")
    process = subprocess.Popen(
        [*program.command, script, *flags, "--disable-workspace-trust", "--user-data-dir", home / "data"],
        env=inherited_environment() | {"HOME": str(home), "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if listening := _LISTENING.search(line):
                yield listening[1]
                break
        else:
            raise AssertionError(said)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
