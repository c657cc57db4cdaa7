"""A real Chromium for the tests of the page: one browser a session, one page a test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dqkit.audit.result import AuditResult
from dqkit.report.html import render_html
from tests.conftest import chromium
from tests.report.sample import sample_result

_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Watched:
    """A page with everything it said and asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))

    def requests_outside(self, url: str) -> list[str]:
        return [asked for asked in self.asked if asked.partition("#")[0] != url and not asked.startswith("data:")]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_ARGUMENTS)
        yield browser
        browser.close()


Open = Callable[..., Watched]


@pytest.fixture(scope="session")
def pages(result: AuditResult) -> dict[str, str]:
    """Return the page of `result` in each language: most tests open it."""
    return {lang: render_html(result, lang) for lang in ("en", "zh")}


@pytest.fixture
def open_report(browser: Any, tmp_path: Path, result: AuditResult, pages: dict[str, str]) -> Iterator[Open]:
    """Render a result, open it, and wait for its charts."""
    contexts = []
    usual = result

    def open_it(result: AuditResult, *, lang: str = "en", width: int = 1280, **context: Any) -> Watched:
        path = tmp_path / "report.html"
        path.write_text(pages[lang] if result is usual else render_html(result, lang), encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **context))
        watched = Watched(contexts[-1].new_page())
        watched.page.goto(path.as_uri())
        wait_for_charts(watched.page)
        return watched

    yield open_it
    for context in contexts:
        context.close()


def wait_for_charts(page: Any) -> None:
    page.wait_for_function("[...document.querySelectorAll('[data-chart]')].every((plot) => plot.dataset.ready)")


@pytest.fixture(scope="session")
def result() -> AuditResult:
    return sample_result(pictures=4)
