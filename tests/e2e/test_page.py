"""A person at the page, in a real browser: three questions, a stop, a refresh; nothing is asked of another host."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect, sync_playwright

from local.test_tools import find_chromium
from tests.e2e.conftest import Platform

ANSWERED = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator:
    path = find_chromium()
    assert path is not None, "no Chromium; as root: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, platform: Platform) -> Iterator[Page]:
    expect.set_options(timeout=ANSWERED)
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    hosts: set[str] = set()
    errors: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https", "ws"):
            hosts.add(urlsplit(request.url).netloc)

    page.on("request", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(platform.settings.gateway_url)
    yield page
    assert errors == []
    assert hosts == {urlsplit(platform.settings.gateway_url).netloc}
    context.close()


def ask(page: Page, text: str, number: int) -> None:
    page.get_by_test_id("message-box").fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("figure-cost")).to_have_count(number)


def test_a_conversation_of_three_turns_survives_a_refresh(page: Page):
    expect(page.get_by_test_id("dev-banner")).to_be_visible()
    for number, text in enumerate(("What is a sluice?", "Show me code", "I am jane@example.com"), 1):
        ask(page, text, number)
    answers = page.get_by_test_id("answer")
    expect(answers.nth(0)).to_contain_text("What is a sluice?")
    expect(answers.nth(1).locator("pre code")).to_contain_text("def fibonacci")
    expect(answers.nth(2)).to_contain_text("jane@example.com")
    expect(page.get_by_test_id("figure-model").first).to_contain_text("assistant")
    assert re.search(r"#/c/[\w-]+$", page.url)
    page.reload()
    expect(page.get_by_test_id("turn")).to_have_count(3)
    expect(page.get_by_test_id("answer").nth(1).locator("pre code")).to_contain_text("def fibonacci")
    expect(page.get_by_test_id("conversation-list")).to_contain_text("What is a sluice?")


def test_html_in_an_answer_is_text(page: Page):
    ask(page, "<img src=x onerror=alert(1)> <iframe src=/></iframe>", 1)
    expect(page.get_by_test_id("answer")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.get_by_test_id("answer").locator("img, iframe").count() == 0


def test_stop_and_refresh_in_mid_answer(page: Page):
    bot = page.get_by_test_id("bot")
    bot.select_option("storyteller")
    page.get_by_test_id("message-box").fill("tell")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("answer")).to_contain_text("Sentence 2")
    page.reload()
    expect(page.get_by_test_id("answer")).to_contain_text("Sentence 4")
    page.get_by_test_id("stop").click()
    expect(page.get_by_test_id("turn").last).to_have_attribute("data-phase", "cancelled")


def test_at_phone_width_nothing_sticks_out(page: Page):
    page.set_viewport_size({"width": 375, "height": 800})
    ask(page, "code please", 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
