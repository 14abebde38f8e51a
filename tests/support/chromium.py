"""Headless Chromium, driven by Selenium."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

BINARIES = ("chromium", "chromedriver")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def missing() -> list[str]:
    """What of Chromium is not installed."""
    return [name for name in BINARIES if shutil.which(name) is None]


@contextmanager
def chromium(width: int = 1320, height: int = 960, flags: tuple[str, ...] = ()) -> Iterator[Chrome]:
    """A browser with a profile of its own, which ends with the block."""
    browser, driver = (shutil.which(name) for name in BINARIES)
    options = ChromeOptions()
    options.binary_location = browser or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS, *flags, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        opened = Chrome(options, Service(driver))
        try:
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            yield opened
        finally:
            opened.quit()


def prefer(browser: Chrome, scheme: str) -> None:
    """Make the browser say that its user prefers `light` or `dark`."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
