"""The files of the library: readable, complete, and nothing in them that may not be."""

from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest

from yingbin.offers.catalogue import Catalogue
from yingbin.offers.insights.declaration import (
    HARD,
    BadInsight,
    Insight,
    load_library,
    load_refused,
    parse_insight,
)
from yingbin.offers.wording import INCOME_GAP_EN, INCOME_GAP_ZH, forbidden

LIBRARY = load_library()
FILES = sorted((files("yingbin.offers.insights") / "library").iterdir(), key=lambda file: file.name)
GOOD = next(file for file in FILES if file.name == "hasty_credit.toml").read_text("utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_can_be_read_at_one_sitting(file: Traversable) -> None:
    assert len(file.read_text("utf-8").splitlines()) < 80


@pytest.mark.parametrize("insight", LIBRARY.values(), ids=lambda insight: insight.name)
def test_C14_every_insight_has_two_families_one_of_them_hard(insight: Insight) -> None:
    families = {signal.family for signal in insight.signal}
    assert len(families) >= 2
    assert families & HARD


@pytest.mark.parametrize("insight", LIBRARY.values(), ids=lambda insight: insight.name)
def test_C15_every_sentence_passes_the_scan(insight: Insight) -> None:
    for text in (insight.ask_zh, insight.ask_en, insight.say_zh, insight.say_en):
        assert forbidden(text) is None


def test_C15_the_income_gap_is_said_in_exactly_these_words() -> None:
    gap = LIBRARY["undocumented_income"]
    assert (gap.ask_zh, gap.ask_en, gap.may_state) == (INCOME_GAP_ZH, INCOME_GAP_EN, False)


def test_C14_a_relation_is_never_stated() -> None:
    relations = [insight for insight in LIBRARY.values() if insight.relation]
    assert {insight.name for insight in relations} == {"household", "overseas_study"}
    assert not any(insight.may_state or insight.say_zh for insight in relations)


def test_a_hasty_form_changes_no_offer() -> None:
    hasty = LIBRARY["hasty_credit"]
    assert (hasty.effect, hasty.raises, hasty.avoids) == ("caution", (), ())


def test_every_product_is_in_the_catalogue(catalogue: Catalogue) -> None:
    named = {code for insight in LIBRARY.values() for code in (*insight.raises, *insight.avoids)}
    assert named - set(catalogue.products) == {"$subject"}


def test_what_is_refused_has_a_reason_and_is_no_insight() -> None:
    refused = {one.name for one in load_refused()}
    assert {"colleagues", "same_home_town", "searches_alone", "calls_alone", "hour_of_day"} <= refused
    assert not refused & LIBRARY.keys()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('family = "transaction"', 'family = "browsing"', "needs two families"),
        ('"marketing"', '"whereabouts"', "needs the consent `marketing`"),
        ("SELECT customer_id, count(*) AS support, min(days_ago) AS days_ago, 0.6", "SELECT at_ms, 0.6", "'at_ms'"),
        ("FROM form_events\n", "FROM main.form_events\n", "'main.'"),
        ("GROUP BY ALL", "; DROP TABLE x", "without `;`"),
        ("SELECT f.customer_id", "DELETE", "begins with SELECT"),
        ('effect = "caution"', 'effect = "raise"', "`raises`"),
        ("申请资料请", "客户是护士,申请资料请", "line 8, ask_zh: Value error, must not be shown"),
        ("min_support = 3", "min_support = 0", "greater than or equal to 1"),
        ("min_support = 3", "least_support = 3", "Extra inputs"),
        ('name = "hasty_credit"', 'name = "other"', "must be called other.toml"),
        ("expires_days = 60", "expires_days =", "hasty_credit.toml:"),
    ],
)
def test_a_mistake_in_a_file_is_named(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInsight) as caught:
        parse_insight(GOOD.replace(old, new), "hasty_credit.toml")
    assert said in caught.value.message


def test_the_library_never_reads_the_truth() -> None:
    for file in files("yingbin.offers.insights").iterdir():
        if file.name.endswith((".py", ".toml")):
            assert "truth" not in file.read_text("utf-8")
    assert not any("truth" in file.read_text("utf-8") for file in FILES)
