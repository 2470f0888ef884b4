"""Pages in a real browser: formulas are drawn, nothing is wider than the screen, both themes, code can be copied."""

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from gradlab.documents.html import html, html_index
from tests.documents.chapters import document, small_book

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: no page was looked at")

pytestmark = pytest.mark.skipif(
    not (which("chromium") and which("chromedriver")),
    reason="no Chromium here (Debian: apt-get install chromium chromium-driver): no page was looked at",
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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of one operation and an index."""
    path = tmp_path_factory.mktemp("pages")
    (path / "batch_norm.html").write_text(html(document("batch_norm")), encoding="utf-8")
    (path / "index.html").write_text(html_index(small_book()), encoding="utf-8")
    return path


def show(browser: Any, path: Path, *, width: int = 1280, theme: str = "light", media: str = "") -> None:
    """Open a page on a screen of this width, in this theme."""
    features = [{"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(path.as_uri())


@pytest.mark.parametrize("name", ["batch_norm.html", "index.html"])
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (400, "light")])
def test_it_renders(browser: Any, folder: Path, name: str, width: int, theme: str) -> None:
    """No word on the console, every formula has a size, and the page is as wide as the screen."""
    show(browser, folder / name, width=width, theme=theme)
    assert browser.get_log("browser") == []
    heights = browser.execute_script(
        "return [...document.querySelectorAll('math')].map(item => item.getBoundingClientRect().height)"
    )
    assert len(heights) >= 7
    assert min(heights) > 2
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(247, 246, 241)") == (theme == "light")


def test_formulas_are_two_dimensional(browser: Any, folder: Path) -> None:
    """A fraction is higher than a letter, and a sum stands above its index."""
    show(browser, folder / "batch_norm.html")
    box = "const r = document.querySelector(arguments[0]).getBoundingClientRect(); return [r.top, r.height]"
    assert browser.execute_script(box, ".right mfrac")[1] > 1.5 * browser.execute_script(box, ".left mi")[1]
    assert browser.execute_script(box, "munder mo")[0] < browser.execute_script(box, "munder mrow")[0]


def test_copy(browser: Any, folder: Path) -> None:
    """The button puts the exact code on the clipboard, and says so to everybody."""
    show(browser, folder / "batch_norm.html")
    permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", permissions)
    browser.find_element("css selector", "button.copy").click()
    wait = "const done = arguments[0]; setTimeout(() => navigator.clipboard.readText().then(done, done), 100)"
    copied = browser.execute_async_script(wait)
    (listing,) = (
        b for s in document("batch_norm").sections if s.key == "code" for b in s.blocks if hasattr(b, "command")
    )
    assert copied == listing.text
    assert browser.find_element("id", "status").get_attribute("textContent") == "Code copied"


def test_a_number_leads_to_its_equation(browser: Any, folder: Path) -> None:
    """A click on a cited number brings the equation into view."""
    show(browser, folder / "batch_norm.html")
    browser.find_element("css selector", '.reason a[href="#eq-9"]').click()
    top = browser.execute_script("return document.getElementById('eq-9').getBoundingClientRect().top")
    assert 0 <= top < 900


def test_paper(browser: Any, folder: Path) -> None:
    """Printed, there is neither navigation nor a button."""
    show(browser, folder / "batch_norm.html", media="print")
    assert not browser.find_element("css selector", "nav").is_displayed()
    assert not browser.find_element("css selector", "button.copy").is_displayed()
