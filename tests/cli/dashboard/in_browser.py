"""The dashboard as somebody sees it, in a real Chromium: `make test-dashboard`. Pictures are kept in build/dashboard.

CODEASSIST_CHROMIUM names the browser. The real server of the last test has a tiny random model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from codeassist.cli.dashboard.page_server import PageServer
from tests.cli.dashboard.sample import HOSTILE, sample
from tests.end_to_end.conftest import Program, program, tiny_model
from tests.end_to_end.test_served import greet, serving, started

__all__ = ["program", "tiny_model"]

PICTURES = Path(__file__).parents[3] / "build" / "dashboard"
SEEN = HOSTILE.replace("\u202e", "\\u202e")
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=os.environ["CODEASSIST_CHROMIUM"], args=["--no-sandbox"])
        yield made
        made.close()


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page that may say nothing to the console: no error of its own, nothing that its policy had to stop."""
    page = browser.new_page(**{"viewport": {"width": 1360, "height": 900}, **options})
    page.set_default_timeout(60_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto(url)
    page.locator("#tiles dl").wait_for()
    yield page
    assert said == []
    assert all(each.startswith(url) for each in asked), "nothing is loaded from elsewhere"
    page.close()


@contextmanager
def showing(data: dict[str, Any]) -> Iterator[str]:
    with closing(PageServer(lambda: data, print)) as server:
        server.start()
        yield server.url


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 1360), ("light", 420)])
def test_the_page_shows_the_numbers_and_no_markup_comes_from_names(browser: Browser, scheme: Any, width: int) -> None:
    data = sample()
    with showing(data) as url, opened(
        browser, url, color_scheme=scheme, viewport={"width": width, "height": 900}
    ) as page:  # fmt: skip
        server, stats = data["servers"][0], data["stats"]
        tiles = page.locator("#tiles")
        expect(tiles).to_contain_text("98 %")
        expect(tiles).to_contain_text(f"{round(stats['acceptance_rate'] * 100)} %")
        expect(page.locator("#latency tbody tr")).to_have_count(len(server["latency_ms"]))
        suggested = page.locator("#suggestion ins")
        assert suggested.text_content() == server["last_suggestion"]["text"]
        kinds = suggested.locator(".token").evaluate_all("tokens => tokens.map(token => token.className)")
        assert {kind.removeprefix("token ") for kind in kinds} == {"sure", "likely", "open", "guess"}
        for panel in ("suggestion", "cache", "acceptance", "sources", "index", "served"):
            expect(page.locator(f"#{panel}")).to_contain_text(SEEN)
        assert page.evaluate("[window.hacked, document.images.length, document.scripts.length]") == [None, 1, 1]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut at the right"
        assert page.locator("#cache svg[role=img]").first.get_attribute("aria-label") == (
            "1,600 slots: 620 exact, 330 stale, 465 shifted, 170 placed, 15 missing"
        )
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{scheme}-{width}.png", full_page=True)


def test_what_is_open_and_where_the_keyboard_is_outlast_new_numbers(browser: Browser) -> None:
    data = sample()
    with showing(data) as url, opened(browser, url) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        summary = page.locator("#suggestion summary", has_text="inventory.py")
        summary.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#suggestion details[open] pre")).to_contain_text("total_price_cents")
        data["servers"][0]["last_suggestion"]["num_prompt_tokens"] = 1234
        expect(page.locator("#suggestion")).to_contain_text("1,234 prompt tokens")
        expect(page.locator("#suggestion details[open] pre")).to_be_visible()
        assert "inventory.py" in page.evaluate("document.activeElement.textContent")

        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")


def test_everything_has_a_name_and_every_drawing_its_words(browser: Browser) -> None:
    with showing(sample()) as url, opened(browser, url) as page:
        for role in ("img", "button", "region", "table"):
            for each in page.get_by_role(role).all():
                assert each.evaluate(
                    "node => node.getAttribute('aria-label') || node.textContent.trim() || node.getAttribute('alt')"
                ), each
        unnamed = page.evaluate(
            "[...document.querySelectorAll('svg')].filter(each => !each.getAttribute('aria-label')"
            " && each.getAttribute('aria-hidden') !== 'true').length"
        )
        assert unnamed == 0
        assert page.evaluate("[...document.querySelectorAll('table')].every(each => each.caption?.textContent)")


def test_it_works_with_no_server_and_says_when_it_has_ended(browser: Browser) -> None:
    data = {**sample(), "servers": [], "indexes": []}
    server = PageServer(lambda: data, print)
    server.start()
    page = browser.new_page()
    page.goto(server.url)
    expect(page.locator("#suggestion")).to_contain_text("codeassist serve --shared")
    expect(page.locator("#acceptance table").first).to_be_visible()
    server.close()
    expect(page.get_by_role("status")).to_contain_text("The dashboard has ended")
    page.close()


def test_a_real_server_is_shown_as_soon_as_it_is_there(browser: Browser, program: Program) -> None:
    with started(program, "dashboard", "--no-open") as dashboard:
        assert dashboard.stdout is not None
        url = dashboard.stdout.readline().removeprefix("dashboard: ").strip()
        with opened(browser, url) as page:
            expect(page.locator("#served")).to_contain_text("No server runs")
            with started(program, "serve") as process:
                greet(process)
                serving(program, process)
                done = json.loads(program.run("complete", "src/app.py:4:12", "--json").out)
                assert done["server"]["pid"] == process.pid
                expect(page.locator("#served")).to_contain_text(f"Process {process.pid}")
                expect(page.locator("#tiles")).to_contain_text("own")
                expect(page.locator("#cache svg[role=img]").first).to_be_visible()
                expect(page.locator("#latency tbody tr")).not_to_have_count(0)
                used = {snippet["source"] for snippet in done["snippets"]}
                for source in used:
                    expect(page.locator("#sources")).to_contain_text(source)
                page.screenshot(path=PICTURES / "tiny.png", full_page=True)
