"""The portrait in the structs a tablet gets: who may see what of it, and nothing that may not be said."""

from datetime import date, timedelta

import msgspec
import pytest

from yingbin.offers.bank.schema import BY_NAME
from yingbin.offers.portrait import tablet
from yingbin.offers.portrait.definitions import packaged_tags
from yingbin.offers.portrait.page import EventRow, HoldingRow, Portrait, TagRow
from yingbin.offers.portrait.tablet import permitted_tags, tablet_page
from yingbin.portrait_wire import Money, PortraitPage
from yingbin.trust.consent import Purpose

TAGS = packaged_tags()
DAY = date(2026, 6, 30)
END = DAY + timedelta(days=30)
LINE = Money("活期", "demand", 1, "s", "2026-06-30")
NOW = (
    TagRow("assets_fen", "200", DAY, END),
    TagRow("spends_abroad", "true", DAY, END),
    TagRow("gender", "female", DAY, END),
)
BEFORE = (date(2026, 5, 1), (TagRow("assets_fen", "100", DAY, END),))
PORTRAIT = Portrait(
    NOW,
    (HoldingRow("wealth_r2", "wealth", 5, END, DAY, END), HoldingRow("no_name", "loan", 3, None, DAY, END)),
    (EventRow(DAY, "bought", "wealth_r2", DAY, END), EventRow(DAY, "bought", "church.fund", DAY, END)),
)
NAMES = {"wealth_r2": ("稳健理财", "steady wealth")}


def page(*granted: Purpose, opted_out: bool = False, today: date = DAY) -> PortraitPage:
    return tablet_page((LINE,), PORTRAIT, granted, today, TAGS, NAMES, opted_out=opted_out, before=BEFORE)


def tags(made: PortraitPage) -> list[str]:
    return [tag.tag for group in made.groups for tag in group.tags]


def test_C1_every_part_needs_its_consent() -> None:
    full = page(Purpose.MARKETING, Purpose.WHEREABOUTS)
    assert tags(full) == ["assets_fen", "spends_abroad"]  # what is for inside use is never shown
    assert [(one.name_en, one.kind, one.amount_fen) for one in full.holdings] == [
        ("steady wealth", "asset", 5), ("Loan", "debt", 3),
    ]  # fmt: skip
    assert [(one.kind, one.name_en) for one in full.changes] == [
        ("changed", "Assets"), ("new", TAGS.by_id["spends_abroad"].name_en),
    ]  # fmt: skip
    assert tags(page(Purpose.MARKETING)) == ["assets_fen"]
    for granted in ((), (Purpose.WHEREABOUTS,), (Purpose.VIP_SERVICE, Purpose.CENTRAL_STORAGE)):
        empty = page(*granted)
        assert (empty.groups, empty.holdings, empty.timeline, empty.changes) == ((), (), (), ())
        assert empty.lines == (LINE,)


def test_C10_an_opt_out_takes_what_is_derived_and_leaves_what_is_recorded() -> None:
    made = page(Purpose.MARKETING, Purpose.WHEREABOUTS, opted_out=True)
    assert (made.groups, made.changes, made.since) == ((), (), "")
    assert (len(made.holdings), len(made.timeline)) == (2, 1)


def test_C18_nothing_is_shown_after_its_last_day_nor_remembered_as_shown() -> None:
    late = page(Purpose.MARKETING, today=END + timedelta(days=1))
    assert (late.groups, late.holdings, late.timeline) == ((), (), ())
    assert permitted_tags(NOW, frozenset(Purpose), END, TAGS) == NOW[:2]
    assert permitted_tags(NOW, frozenset(Purpose), END + timedelta(days=1), TAGS) == ()


@pytest.mark.parametrize("code", ["church.fund", "night_shift_loan", "老婆理财", "hospital-bond"])
def test_C15_a_code_of_the_banks_files_that_may_not_be_said_is_left_out(code: str) -> None:
    portrait = Portrait(timeline=(EventRow(DAY, "bought", code, DAY, END),))
    assert tablet_page((), portrait, frozenset(Purpose), DAY, TAGS, {}).timeline == ()


def test_every_source_of_a_tag_has_a_name_on_the_tablet_and_every_kind_of_account_one() -> None:
    sources = {BY_NAME[table].source for tag in TAGS.tag for table in tag.tables}
    assert sources <= set(tablet._SYSTEMS)
    assert set(BY_NAME["accounts"].column("kind").choices) <= set(tablet._KINDS)
    sent = msgspec.json.decode(msgspec.json.encode(page(Purpose.MARKETING)), type=PortraitPage)
    assert sent == page(Purpose.MARKETING)
