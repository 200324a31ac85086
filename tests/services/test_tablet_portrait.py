"""The portrait on the tablet page, in a real browser against a scripted city."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import browser, no_complaints
from drawn_portrait import full_page
from playwright.sync_api import Browser, Page, expect
from showcase import MONEY, ScriptedCity, card, open_page

from yingbin.offers.wording import forbidden
from yingbin.pad_wire import AnswerInsight
from yingbin.portrait_wire import PortraitPage

pytestmark = pytest.mark.services
HIDDEN_AFTER_MS = 190_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture
def city() -> Iterator[ScriptedCity]:
    started = ScriptedCity()
    started.portrait = full_page()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def page(city: ScriptedCity, chromium: Browser) -> Iterator[Page]:
    with no_complaints(open_page(city, chromium, 1280, 800)) as opened:
        yield opened


def confirmed(city: ScriptedCity, page: Page) -> Page:
    city.tell(card("c-1"))
    page.get_by_test_id("confirm-identity").click()
    expect(page.get_by_test_id("portrait")).to_be_visible()
    return page


def answers(city: ScriptedCity) -> list[AnswerInsight]:
    return [message for message in city.heard if isinstance(message, AnswerInsight)]


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def test_one_page_shows_changes_questions_holdings_figures_timeline_and_tags(city: ScriptedCity, page: Page) -> None:
    assert page.get_by_test_id("portrait").count() == 0 or not page.get_by_test_id("portrait").is_visible()
    confirmed(city, page)
    changes = page.get_by_test_id("changes")
    expect(changes).to_contain_text("自上次来访（2026-04-18）以来")
    expect(changes.locator("li").first).to_have_text(re.compile("总资产¥960,000→¥1,286,000"))
    expect(changes.locator("li[data-kind=new]")).to_contain_text("未开通手机银行")
    expect(page.get_by_test_id("holdings")).to_contain_text("¥2,396,200")
    expect(page.get_by_test_id("holdings").locator("svg[role=img]")).to_have_count(2)
    expect(page.get_by_test_id("money")).to_contain_text("可投资金额")
    expect(page.get_by_test_id("timeline").locator("li")).to_have_count(6)
    expect(page.locator("[data-group]")).to_have_count(8)
    tag = page.locator("[data-tag=deposit_share]")
    expect(tag).to_contain_text("62%")
    tag.press("Enter")  # the keyboard does
    expect(tag).to_have_attribute("aria-expanded", "true")
    about = page.locator("[data-group=preference]").get_by_test_id("tag-about")
    expect(about).to_contain_text("核心系统 · 2026-06-30")
    tag.press("Enter")
    expect(about).to_be_hidden()
    page.get_by_test_id("language-en").click()
    expect(changes).to_contain_text("Since the last visit (2026-04-18)")
    expect(page.get_by_test_id("portrait")).to_contain_text("Index fund savings plan")


def test_C14_a_question_is_answered_with_what_the_customer_said_and_may_be_taken_back(
    city: ScriptedCity, page: Page
) -> None:
    confirmed(city, page)
    question = page.locator("[data-fact=f-abroad]")
    stated = page.locator("[data-fact=f-short]")
    expect(question).to_contain_text("待客户确认")
    expect(stated).to_contain_text("客户已确认")
    expect(stated.get_by_test_id("insight-yes")).to_have_count(0)
    question.get_by_test_id("insight-no").click()
    expect(question.get_by_test_id("insight-said")).to_contain_text("客户否认")
    page.get_by_test_id("undo").click()
    question.get_by_test_id("insight-yes").click()
    expect(question.get_by_test_id("insight-said")).to_contain_text("客户确认")
    expect(page.get_by_test_id("undo")).to_be_hidden(timeout=10_000)
    expect(page.get_by_test_id("queued")).to_be_hidden()
    (answer,) = answers(city)
    assert (answer.card_id, answer.fact_id, answer.confirmed) == ("c-1", "f-abroad", True)


def test_an_answer_given_while_the_line_is_down_arrives_once_it_is_back(city: ScriptedCity, page: Page) -> None:
    confirmed(city, page)
    city.stop()
    expect(page.get_by_test_id("line-banner")).to_be_visible()
    page.get_by_test_id("insight-no").click()
    expect(page.get_by_test_id("queued")).to_contain_text("1", timeout=10_000)
    (kept,) = json.loads(page.evaluate("localStorage.getItem('yingbin.outbox')"))
    assert {kept["fact_id"], kept["confirmed"], kept["card_id"]} == {"f-abroad", False, "c-1"}
    city.start()
    expect(page.get_by_test_id("queued")).to_be_hidden(timeout=25_000)
    assert [answer.confirmed for answer in answers(city)] == [False]


def test_the_portrait_is_gone_from_the_page_once_hidden_left_alone_or_closed(city: ScriptedCity, page: Page) -> None:
    page.clock.install()
    page.reload()
    confirmed(city, page)
    page.get_by_test_id("back-to-offers").click()
    expect(page.get_by_test_id("offer-main")).to_be_visible()
    assert "¥" not in page.content()
    page.get_by_test_id("money-toggle").click()
    expect(page.get_by_test_id("portrait")).to_be_visible()
    page.clock.run_for(HIDDEN_AFTER_MS // 2)
    page.locator("[data-tag=tier]").click()  # somebody still reads
    page.clock.run_for(HIDDEN_AFTER_MS // 2)
    expect(page.get_by_test_id("portrait")).to_be_visible()
    page.clock.run_for(HIDDEN_AFTER_MS)
    expect(page.get_by_test_id("portrait")).to_be_hidden()
    assert "¥" not in page.content()
    page.get_by_test_id("money-toggle").click()
    expect(page.get_by_test_id("portrait")).to_be_visible()
    city.tell(card("c-1", state="closed"))
    expect(page.get_by_test_id("portrait")).to_be_hidden()
    assert "¥" not in page.content()


def test_a_customer_without_a_portrait_still_has_his_figures(city: ScriptedCity, page: Page) -> None:
    city.portrait = PortraitPage(lines=MONEY)
    confirmed(city, page)
    expect(page.get_by_test_id("money")).to_contain_text("¥486,200.55")
    for part in ("changes", "holdings", "timeline", "tags", "insight"):
        expect(page.get_by_test_id(part)).to_have_count(0)


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [
        ((1280, 800), "light", "zh"),
        ((1280, 800), "dark", "en"),
        ((820, 1180), "light", "en"),
        ((820, 1180), "dark", "zh"),
        ((390, 844), "light", "zh"),
    ],
)
def test_it_fits_and_passes_the_accessibility_scan(
    city: ScriptedCity, chromium: Browser, size: tuple[int, int], scheme: Any, language: str
) -> None:
    with no_complaints(open_page(city, chromium, *size, color_scheme=scheme, reduced_motion="reduce")) as page:
        page.get_by_test_id(f"language-{language}").click()
        confirmed(city, page)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        portrait = page.get_by_test_id("portrait")
        assert portrait.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
        for target in ("greeted", "money-toggle", "back-to-offers", "insight-yes", "insight-no", "tag"):
            box = page.get_by_test_id(target).first.bounding_box()
            assert box is not None
            assert box["height"] >= 48, target
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= size[0], target
        page.locator("[data-tag=tier]").click()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_C15_no_sentence_of_the_whole_portrait_may_not_be_said() -> None:
    page = full_page()
    assert sum(len(group.tags) for group in page.groups) >= 60
    said = [text for text in strings(msgspec.to_builtins(page)) if text]
    assert len(said) > 500
    for text in said:
        assert forbidden(text, confirmed=True) is None, text
