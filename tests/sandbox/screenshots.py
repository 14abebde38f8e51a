"""Makes the pictures of the sandbox's page in docs/images: `PYTHONPATH=tests python -m sandbox.screenshots`."""

from pathlib import Path

import httpx2
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from support.chromium import chromium, prefer
from support.sandbox_process import Sandbox, running
from wemasy_mcp.endpoints import ENDPOINTS
from wemasy_mcp.sandbox import FORBIDDEN_TOKEN, SANDBOX_TOKEN

IMAGES = Path(__file__).parents[2] / "docs" / "images"
UPDATE, SAVE = (f"/api/{endpoint.path}" for endpoint in ENDPOINTS)
CALLS = (
    (
        SAVE,
        {
            "kind": "fact",
            "key": "primary_color",
            "value": "#3B82F6",
            "metadata": {"source": "brand_guidelines"},
        },
    ),
    (SAVE, {"kind": "vector", "key": "tone_of_voice", "value": None, "embedding": "[0.0231, -0.0412, 0.0891]"}),
    (SAVE, {"kind": "note"}),
    (SAVE, {"kind": "fact", "key": "opening_hours", "value": "Monday to Friday, 9:00–17:30"}),
    (UPDATE, {"connection_id": 5, "name": "My OpenAI Production Key v2", "model_name": "gpt-4o-mini"}),
    (UPDATE, {"connection_id": 42, "name": "Spare"}),
)


def fill(sandbox: Sandbox) -> None:
    """Make calls of every kind."""
    with httpx2.Client(base_url=sandbox.origin, trust_env=False) as client:
        authorized = {"Authorization": f"Bearer {SANDBOX_TOKEN}"}
        for path, body in CALLS:
            client.post(path, json=body, headers=authorized)
        client.post(SAVE, json={}, headers={"Authorization": f"Bearer {FORBIDDEN_TOKEN}"})
        client.post("/_sandbox/faults", json={"fault": "429", "retry_after": 30})
        client.post(SAVE, json={"kind": "fact"}, headers=authorized)
        client.post(SAVE, json={"kind": "fact", "key": "greeting", "value": "<b>Hello</b>"}, headers=authorized)
        client.post("/_sandbox/faults", json={"fault": "500", "count": 2})


def main() -> None:
    """Write a picture for each colour scheme."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with running() as sandbox, chromium(1320, 1140) as browser:
        fill(sandbox)
        for scheme, name in (("light", "sandbox.png"), ("dark", "sandbox-dark.png")):
            prefer(browser, scheme)
            browser.get(f"{sandbox.origin}/")
            WebDriverWait(browser, 20).until(lambda opened: opened.find_elements(By.CSS_SELECTOR, ".chip"))
            browser.save_screenshot(str(IMAGES / name))


if __name__ == "__main__":
    main()
