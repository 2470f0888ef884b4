"""The page in a real browser: it looks as it should, and works by keyboard, in both themes and on a narrow screen."""

import base64
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from gradlab.verify.html import page

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: the page was not looked at")

pytestmark = pytest.mark.skipif(
    not (which("chromium") and which("chromedriver")),
    reason="no Chromium here (Debian: apt-get install chromium chromium-driver): the page was not looked at",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, its console kept."""
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(which("chromium"))
    for flag in ("--headless", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(example: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the example's page, as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    page.write(path, example)
    return path.as_uri()


def show(browser: Any, address: str, *, width: int = 1280, theme: str = "light", media: str = "") -> None:
    """Open the page on a screen of this width, in this theme."""
    features = [{"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(address)


def keep(browser: Any, path: Path) -> None:
    """A picture of the whole page, not of the window alone."""
    width, height = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, 12_000), "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(base64.b64decode(shot["data"]))
    assert path.stat().st_size > 20_000


@pytest.mark.parametrize(
    ("name", "width", "theme"),
    [("light", 1280, "light"), ("dark", 1280, "dark"), ("narrow", 400, "light"), ("narrow-dark", 400, "dark")],
)
def test_it_renders(browser: Any, address: str, screenshots: Path, name: str, width: int, theme: str) -> None:
    """No word on the console, every drawing has a size, and the page is as wide as the screen; pictures are kept."""
    show(browser, address, width=width, theme=theme)
    keep(browser, screenshots / f"report-{name}.png")
    assert browser.get_log("browser") == []
    sizes = [svg.size for svg in browser.find_elements("css selector", "svg")]
    assert len(sizes) > 5
    assert all(size["width"] > 0 and size["height"] > 0 for size in sizes)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(247, 246, 241)") == (theme == "light")


def test_letters_stay_readable(browser: Any, address: str) -> None:
    """On a narrow screen the letters of the drawings are not shrunk with them."""
    show(browser, address, width=400)
    heights = browser.execute_script(
        "return [...document.querySelectorAll('.plot svg text')].map(text => Math.min("
        "text.getBoundingClientRect().height, text.getBoundingClientRect().width))"
    )
    assert min(heights) >= 10


def test_copy(browser: Any, address: str, example: dict[str, Any]) -> None:
    """The button puts the exact program on the clipboard, and says so to everybody."""
    show(browser, address)
    permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", permissions)
    button = browser.find_element("css selector", "button.copy")
    assert button.is_displayed()
    button.click()
    wait = "const done = arguments[0]; setTimeout(() => navigator.clipboard.readText().then(done, done), 100)"
    copied = browser.execute_async_script(wait)
    source = next(f["reproduction"] for row in example["rows"] for f in row["findings"] if f["reproduction"])
    assert copied == source
    assert browser.find_element("id", "status").get_attribute("textContent") == "Program copied"


def test_copy_without_a_clipboard(browser: Any, address: str) -> None:
    """Where the browser has none, the program is selected, and copied the old way."""
    show(browser, address)
    browser.execute_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    button = browser.find_element("css selector", "button.copy")
    source = browser.find_element("id", button.get_attribute("data-copy")).get_attribute("textContent")
    button.click()
    assert browser.execute_script("return String(getSelection())").strip() == source.strip()


def test_keyboard(browser: Any, address: str) -> None:
    """Tab reaches the skip link first, then filter, table link, drawers and copy buttons, each visibly focused."""
    from selenium.webdriver.common.keys import Keys

    show(browser, address)
    reached: list[str] = []
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        name, outline = browser.execute_script(
            "const e = document.activeElement; return [e.className || e.tagName, getComputedStyle(e).outlineStyle]"
        )
        assert outline != "none", name
        reached.append(name)
        if name == "copy":
            break
    assert reached[0] == "skip"
    for wanted in ("BUTTON", "A", "PRE", "SUMMARY", "copy"):
        assert wanted in reached, reached


def test_drawer_by_keyboard(browser: Any, address: str) -> None:
    """Enter opens the numbers behind a drawing."""
    from selenium.webdriver.common.keys import Keys

    show(browser, address)
    summary = browser.find_element("css selector", "details summary")
    table = browser.find_element("css selector", "details table")
    assert not table.is_displayed()
    summary.send_keys(Keys.ENTER)
    assert table.is_displayed()


def test_filter(browser: Any, address: str) -> None:
    """One button leaves the failed gradients in the table, another brings all back; both say which is pressed."""
    show(browser, address)

    def shown() -> list[str]:
        lines = browser.find_elements("css selector", "tr.line")
        return [line.get_attribute("data-verdict") for line in lines if line.is_displayed()]

    assert shown() == ["pass", "fail", "pass", "fail", "skipped", "fail"]
    button = browser.find_element("css selector", "[data-show=fail]")
    button.click()
    assert shown() == ["fail", "fail", "fail"]
    assert button.get_attribute("aria-pressed") == "true"
    browser.find_element("css selector", "[data-show=all]").click()
    assert len(shown()) == 6


def test_paper(browser: Any, address: str, screenshots: Path) -> None:
    """Printed, there are no buttons, and the page is light."""
    show(browser, address, media="print")
    assert not browser.find_element("css selector", "button.copy").is_displayed()
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    (screenshots / "report.pdf").write_bytes(base64.b64decode(printed["data"]))
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


def test_without_script(browser: Any, address: str) -> None:
    """All of it can be read without JavaScript; only what needs it is missing."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, address)
        assert browser.find_element("css selector", "article pre code").is_displayed()
        assert not browser.find_element("css selector", ".filter").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
