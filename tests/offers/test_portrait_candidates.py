"""Whom the nightly portrait proposes as candidates, and rules for it that are wrong."""

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from portrait_bank import AS_OF, SMALL, HandBank, at_ms, days_ago, read_tags
from typer.testing import CliRunner

from yingbin.errors import BadConfiguration
from yingbin.offers.portrait.candidates import PortraitUnreadable, write_candidates
from yingbin.offers.portrait.cli import app
from yingbin.offers.portrait.definitions import packaged_tags
from yingbin.offers.portrait.job import build_portrait
from yingbin.offers.portrait.page import PortraitMissing
from yingbin.offers.portrait.selection import BadSelection, load_selection, parse_selection
from yingbin.offers.profile import CHINA_TIME

LONG_AGO = date(2025, 7, 1)
RULES = """version = "v1"
tiers = ["ordinary"]

[[rule]]
name = "one"
when = "{when}"
reason_zh = "{zh}"
reason_en = "{en}"
expires_days = 30
"""


@dataclass(frozen=True)
class Listed:
    reason: str
    source: str
    expires_at_ms: int


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bank = HandBank()
    for who, tier, yuan in (("rich", "ordinary", 400_000), ("vip", "vip_gold", 400_000), ("poor", "ordinary", 900)):
        bank.customer(who, tier=tier)
        bank.account(who, "demand", (LONG_AGO, yuan))
    bank.customer("left", tier="potential")
    demand = bank.account("left", "demand", (LONG_AGO, 150_000), (days_ago(20), 1_000))
    bank.transaction(demand, days_ago(20), -149_000, "transfer", counterparty_id="X", counterparty_kind="outside")
    bank.customer("silent")
    bank.account("silent", "demand", (LONG_AGO, 400_000))
    for one in bank.rows["consents"]:
        if one["customer_id"] == "silent":
            one["withdrawn_at_ms"] = at_ms(days_ago(10))
    folder = tmp_path_factory.mktemp("candidates")
    build_portrait(bank.write(folder / "bank"), folder / "portraits", SMALL)
    return folder / "portraits"


def listed(file: Path) -> dict[str, Listed]:
    with duckdb.connect() as reading:
        rows = reading.execute(f"SELECT customer_id, reason, source, expires_at_ms FROM '{file}'").fetchall()  # noqa: S608
    return {row[0]: Listed(*row[1:]) for row in rows}


def test_C1_who_has_money_and_no_vip_tier_is_proposed_with_a_reason_a_source_and_an_end(
    portraits: Path, tmp_path: Path
) -> None:
    file = tmp_path / "c.parquet"
    done = CliRunner().invoke(app, ["candidates", str(portraits), "--out", str(file), "--on", AS_OF.isoformat()])
    assert done.exit_code == 0, done.output
    assert "2 of 3 customers without a VIP tier" in done.output
    found = listed(file)
    assert set(found) == {"rich", "left"}, "neither the VIP, nor who has little, nor who withdrew marketing"
    assert found["rich"].reason == "月日均资产较高,尚无贵宾等级 / high monthly average assets, no VIP tier yet"
    assert found["left"].source == f"portrait {AS_OF} / moved_elsewhere {load_selection().name}"
    ends = datetime.fromtimestamp(found["left"].expires_at_ms / 1000, CHINA_TIME)
    assert ends.replace(tzinfo=None) == datetime(2026, 7, 31)  # noqa: DTZ001  # the 30th day is over
    as_csv = tmp_path / "c.csv"
    write_candidates(portraits, as_csv, load_selection(), AS_OF)
    with as_csv.open(encoding="utf-8", newline="") as lines:
        rows = {row["customer_id"]: row for row in csv.DictReader(lines)}
    assert {who: Listed(row["reason"], row["source"], int(row["expires_at_ms"])) for who, row in rows.items()} == found


def test_C18_tags_past_their_last_day_propose_nobody(portraits: Path, tmp_path: Path) -> None:
    chosen = write_candidates(portraits, tmp_path / "c.csv", load_selection(), AS_OF + timedelta(days=40))
    assert (chosen.looked_at, chosen.by_rule.total(), chosen.as_of) == (0, 0, AS_OF)


def test_what_is_not_known_of_a_customer_decides_nothing() -> None:
    rules = RULES.format(when="not asset_trend_rising or quiet_days < 9", zh="较多", en="much")
    selection = parse_selection(rules, "r.toml", packaged_tags())
    assert selection.rule_for({"asset_trend": "stable"}) is None
    assert selection.rule_for({"asset_trend": "stable", "quiet_days": "30"}) is not None
    assert selection.rule_for({"asset_trend": "rising", "quiet_days": "30"}) is None
    assert set(selection.tags) == {"asset_trend", "quiet_days"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"when": "quiet_days"}, "r.toml:6: one: must be true or false"),
        ({"when": "gender_male"}, "r.toml:6: one: unknown symbol"),  # for the inside alone
        ({"when": "next_maturity_on > 3"}, "r.toml:6: one: unknown symbol"),
        ({"when": "tier == 'ordinary'"}, "r.toml:6: one: "),
        ({"zh": "资产达 50 万元"}, "r.toml:7: one: must not be said: amount of money"),
        ({"en": "his wife is rich"}, "r.toml:8: one: must not be said: marriage or relative"),
        ({"en": "much" * 20}, "r.toml:8: .*at most 77"),
    ],
)
def test_C15_rules_that_are_wrong_are_refused_with_their_line(changes: dict[str, str], said: str) -> None:
    text = RULES.format(**{"when": "quiet_days < 9", "zh": "较多", "en": "much", **changes})
    with pytest.raises(BadSelection, match=said):
        parse_selection(text, "r.toml", packaged_tags())


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = RULES.format(when="no_mobile_bank", zh="较多", en="much")
    twice = text.replace('["ordinary"]', '["ordinary", "vip_gold", "best"]') + text[text.index("[[rule]]") :]
    with pytest.raises(BadSelection) as refused:
        parse_selection(twice, "r.toml", packaged_tags())
    assert [re.sub(r"^r\.toml:", "", line) for line in str(refused.value).splitlines()] == [
        "2: tag tier has no choice best",
        "2: vip_gold is a VIP tier: who is in it is no candidate",
        "11: one is defined twice",
    ]
    for broken in ("version = ", text.replace('"v1"', '"<v>"')):
        (tmp_path / "r.toml").write_text(broken, "utf-8")
        with pytest.raises(BadSelection, match=r"r\.toml:"):
            load_selection(tmp_path / "r.toml")
    with pytest.raises(BadSelection, match="cannot read"):
        load_selection(tmp_path / "none.toml")


def test_portraits_and_files_that_cannot_be_used_are_named(portraits: Path, tmp_path: Path) -> None:
    rules = load_selection()
    with pytest.raises(BadConfiguration, match=r"must end in \.csv or \.parquet"):
        write_candidates(portraits, tmp_path / "c.txt", rules, AS_OF)
    with pytest.raises(BadConfiguration, match="cannot be written"):
        write_candidates(portraits, tmp_path / "nowhere" / "c.csv", rules, AS_OF)
    with pytest.raises(PortraitMissing):
        write_candidates(tmp_path, tmp_path / "c.csv", rules, AS_OF)
    (tmp_path / "tags.parquet").write_bytes(b"nothing")
    with pytest.raises(PortraitUnreadable, match="cannot be read"):
        write_candidates(tmp_path, tmp_path / "c.csv", rules, AS_OF)
    assert not (tmp_path / "c.csv").exists()
    rows = [(who, tag, "x" if tag == "assets_fen" else value, *days) for who, tag, value, *days in read_tags(portraits)]
    with duckdb.connect() as making:
        making.execute("CREATE TABLE t (customer_id VARCHAR, tag VARCHAR, value VARCHAR, as_of DATE, expires_on DATE)")
        making.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
        making.execute(f"COPY t TO '{tmp_path}/tags.parquet' (FORMAT parquet)")
    wrong = parse_selection(RULES.format(when="assets_fen > 1", zh="较多", en="much"), "r.toml", packaged_tags())
    with pytest.raises(PortraitUnreadable, match="no number"):
        write_candidates(tmp_path, tmp_path / "c.csv", wrong, AS_OF)
