"""What is shown of tags: consent and expiry on every reading, words, what changed since a visit."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from portrait_bank import AS_OF, HandBank, at_ms
from typer.testing import CliRunner

from yingbin.offers.portrait.cli import app
from yingbin.offers.portrait.definitions import packaged_tags
from yingbin.offers.portrait.page import (
    Change,
    EventRow,
    HoldingRow,
    Portrait,
    PortraitMissing,
    TagRow,
    changes,
    holdings,
    page,
    read_customer,
    timeline,
)
from yingbin.trust.consent import Purpose

TAGS = packaged_tags()
BOTH = frozenset({Purpose.MARKETING, Purpose.WHEREABOUTS})


def row(tag: str, value: str) -> TagRow:
    return TagRow(tag, value, AS_OF, TAGS.by_id[tag].expires_on(AS_OF))


ROWS = [
    row("age_band", "from_45"), row("gender", "female"), row("risk_tolerance", "4"), row("assets_fen", "36000000"),
    row("highest_risk_used", "3"), row("deposit_share", "0.8333"), row("asset_change", "-0.25"),
    row("spends_abroad", "true"), row("quiet_days", "6"), row("next_maturity_on", "2026-07-20"),
]  # fmt: skip


def shown(rows: list[TagRow], granted: frozenset[Purpose] = BOTH, today: date = AS_OF) -> dict[str, tuple[str, str]]:
    return {one.tag.id: (one.zh, one.en) for group in page(rows, granted, today, TAGS).values() for one in group}


def test_tags_are_said_in_words_by_group() -> None:
    assert shown(ROWS) == {
        "age_band": ("45–54 岁", "45–54"), "risk_tolerance": ("C4", "C4"), "assets_fen": ("¥360,000", "¥360,000"),
        "highest_risk_used": ("R3", "R3"), "deposit_share": ("83%", "83%"), "asset_change": ("-25%", "-25%"),
        "spends_abroad": ("是", "yes"), "quiet_days": ("6 天", "6 days"), "next_maturity_on": ("2026-07-20",) * 2,
    }  # fmt: skip
    assert list(page(ROWS, BOTH, AS_OF, TAGS))[:2] == ["basics", "tier"]


@pytest.mark.parametrize("granted", [frozenset(p) for p in ((), *((one,) for one in Purpose))], ids=str)
def test_C1_a_withdrawn_purpose_takes_its_tags_at_once_and_no_other_purpose_gives_them(
    granted: frozenset[Purpose],
) -> None:
    found = set(shown(ROWS, granted))
    assert all(TAGS.by_id[tag].purposes <= granted for tag in found)
    assert ("age_band" in found) == (Purpose.MARKETING in granted)
    assert "spends_abroad" not in found


def test_C18_a_tag_is_gone_after_its_last_day() -> None:
    assert "risk_tolerance" in shown(ROWS, today=AS_OF + timedelta(days=1))
    assert "risk_tolerance" not in shown(ROWS, today=AS_OF + timedelta(days=2))
    assert shown(ROWS, today=AS_OF + timedelta(days=367)) == {}


def test_a_tag_that_is_no_longer_defined_is_not_shown() -> None:
    assert shown([TagRow("forgotten", "1", AS_OF, AS_OF)]) == {}


def test_what_changed_since_the_last_visit() -> None:
    before = [
        row("tier", "potential"), row("assets_fen", "34000000"), row("bought_a_year_fen", "100"),
        row("deposit_share", "0.5"), row("quiet_days", "1"), row("no_mobile_bank", "true"), row("gender", "male"),
        row("spends_abroad", "true"),
    ]  # fmt: skip
    now = [
        row("tier", "vip_gold"), row("assets_fen", "36000000"), row("bought_a_year_fen", "200"),
        row("deposit_share", "0.59"), row("quiet_days", "90"), row("gender", "female"), row("asset_trend", "rising"),
    ]  # fmt: skip
    told = changes(before, now, frozenset({Purpose.MARKETING}), AS_OF, TAGS)
    assert told == (
        Change(TAGS.by_id["tier"], "changed", ("潜力", "potential"), ("黄金", "gold")),
        Change(TAGS.by_id["asset_trend"], "new", ("", ""), ("上升", "rising")),
        Change(TAGS.by_id["bought_a_year_fen"], "changed", ("¥1", "¥1"), ("¥2", "¥2")),
        Change(TAGS.by_id["no_mobile_bank"], "gone", ("是", "yes"), ("", "")),
    )
    assert changes(before, before, BOTH, AS_OF, TAGS) == ()


def test_C1_the_command_shows_nothing_after_withdrawal(tmp_path: Path) -> None:
    bank = HandBank()
    bank.account(bank.customer("c"), "demand", (AS_OF, 100))
    bank.tags(tmp_path)
    asked = ["show", "c", "--data", str(tmp_path), "--portraits", str(tmp_path / "out"), "--on", "2026-07-01"]
    lines = CliRunner().invoke(app, asked).stdout.splitlines()
    assert "tier\t总资产\t¥100\tAssets\t¥100\t2026-06-30" in lines
    assert not any("性别" in line for line in lines)
    assert read_customer(tmp_path / "out", "nobody") == Portrait()
    bank.rows["consents"][0]["withdrawn_at_ms"] = at_ms(AS_OF + timedelta(days=1))
    bank.write(tmp_path)
    assert CliRunner().invoke(app, [*asked, "--before", str(tmp_path / "out")]).stdout == ""
    with pytest.raises(PortraitMissing):
        read_customer(tmp_path / "none", "c")


def test_holdings_and_timeline_are_what_happened_newest_first_without_amounts(tmp_path: Path) -> None:
    bank = HandBank()
    bank.customer("c")
    due, soon = date(2026, 6, 10), date(2026, 7, 20)
    bank.account("c", "demand", (AS_OF, 100), product_code="demand_deposit")
    bank.account("c", "wealth", opened_on=date(2026, 6, 20), closed_on=date(2026, 6, 21), product_code="wealth_r2")
    bank.add("purchases", customer_id="c", at_ms=at_ms(date(2026, 6, 20)), product_code="wealth_r2", category="wealth",
             amount_fen=1)  # fmt: skip
    bank.account("c", "time", (date(2025, 6, 10), 500), product_code="time_deposit", matures_on=due, closed_on=due)
    for matures_on in (date(2027, 1, 1), soon):
        bank.account("c", "time", (due, 300), product_code="time_deposit", opened_on=due, matures_on=matures_on)
    bank.account(
        "c", "bond", (due, 9), product_code="gone_bond", opened_on=date(2025, 6, 30), closed_on=date(2026, 1, 2)
    )
    bank.add("risk_assessments", customer_id="c", assessed_on=date(2026, 5, 1), level=2, valid_until=date(2027, 5, 1))
    for kind, day in (("refused", date(2026, 4, 1)), ("shown", date(2026, 4, 2)), ("refused", date(2025, 6, 1))):
        bank.add("outcomes", decision_id="d", customer_id="c", product_code="wealth_r2", at_ms=at_ms(day), kind=kind,
                 margin_fen=0)  # fmt: skip
    bank.tags(tmp_path)
    portrait = read_customer(tmp_path / "out", "c")
    marketing = frozenset({Purpose.MARKETING})
    end = AS_OF + timedelta(days=3)
    assert holdings(portrait, marketing, AS_OF) == (
        HoldingRow("time_deposit", "time", 60_000, soon, AS_OF, end),
        HoldingRow("demand_deposit", "demand", 10_000, None, AS_OF, end),
    )
    names = {"time_deposit": ("定期存款", "time deposit"), "wealth_r2": ("稳健理财", "steady wealth")}
    assert timeline(portrait, marketing, AS_OF, TAGS, names) == (
        (date(2026, 6, 21), "销户 稳健理财", "closed: steady wealth"),
        (date(2026, 6, 20), "购买 稳健理财", "bought: steady wealth"),
        (due, "到期 定期存款", "fell due: time deposit"),
        (due, "开立 定期存款", "opened: time deposit"),
        (date(2026, 5, 1), "风险测评 C2", "risk assessment: C2"),
        (date(2026, 4, 1), "推荐后谢绝 稳健理财", "declined when suggested: steady wealth"),
        (date(2026, 1, 2), "销户 gone_bond", "closed: gone_bond"),
    )
    for granted, today in ((BOTH - marketing, AS_OF), (marketing, AS_OF + timedelta(days=8))):
        assert holdings(portrait, granted, today) == ()
        assert timeline(portrait, granted, today, TAGS, names) == ()


def test_the_timeline_ends_after_twelve_events_and_does_not_know_forgotten_ones(tmp_path: Path) -> None:
    bank = HandBank()
    bank.customer("c")
    for month in range(1, 7):
        for day in (1, 2, 3):
            bank.add("purchases", customer_id="c", at_ms=at_ms(date(2026, month, day)), product_code="p",
                     category="wealth", amount_fen=1)  # fmt: skip
    bank.tags(tmp_path)
    portrait = read_customer(tmp_path / "out", "c")
    assert [row.day for row in portrait.timeline][::11] == [date(2026, 6, 3), date(2026, 3, 1)]
    unknown = Portrait(timeline=(EventRow(AS_OF, "married", "p", AS_OF, AS_OF),))
    assert timeline(unknown, BOTH, AS_OF, TAGS, {}) == ()
