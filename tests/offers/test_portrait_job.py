# ruff: noqa: S608  (names of the schema and paths of the test)
"""Definitions, lineage, consent, dates and bad input of the portrait's nightly job."""

import re
from datetime import date
from importlib import resources
from pathlib import Path

import duckdb
import pytest
from portrait_bank import AS_OF, SMALL, YUAN, HandBank, at_ms, read_tags
from typer.testing import CliRunner

from yingbin.offers.bank.reader import BankDataInvalid, BankTableMissing
from yingbin.offers.bank.schema import BY_NAME
from yingbin.offers.portrait.cli import app
from yingbin.offers.portrait.definitions import BadTags, last_month_end, packaged_tags, parse_tags
from yingbin.offers.portrait.job import build_portrait, sql
from yingbin.offers.wording import forbidden

TAGS = packaged_tags()
SQL = resources.files("yingbin.offers.portrait") / "sql"
_READ = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)")
_SHARED = {
    re.search(r"CREATE TEMP TABLE (\w+)", one)[1]: set(_READ.findall(one))  # type: ignore[index]
    for one in sql("common")
    if "CREATE TEMP TABLE" in one
}


def _bare(query: str) -> str:
    return re.sub(r"--.*", "", query)


def _tables_of(group: str) -> set[str]:
    """Return the source tables a group's SQL reads, through what is shared."""
    (query,) = sql(group)
    own = set(re.findall(r"(\w+) AS \(", query))
    found: set[str] = set()
    waiting = set(_READ.findall(_bare(query))) - own
    while waiting:
        name = waiting.pop()
        if name in _SHARED:
            waiting |= _SHARED[name] - {"spans", "summed"}
        else:
            found.add(name)
    return found


def test_at_least_forty_tags_in_eight_groups_with_all_that_is_asked_of_them() -> None:
    assert len(TAGS.group) == 8
    assert len(TAGS.tag) >= 40
    assert all(TAGS.of(group.id) for group in TAGS.group)


@pytest.mark.parametrize("group", [group.id for group in TAGS.group])
def test_C9_a_tag_comes_from_the_banks_tables_alone_and_says_from_which(group: str) -> None:
    read = _tables_of(group)
    assert read <= set(BY_NAME)
    # `subjects`, who consents, is read for every tag; `customers` says who there is at all
    declared = {table for tag in TAGS.of(group) for table in tag.tables}
    assert declared - {"customers"} <= read
    assert not re.search(
        r"read_\w+\(|'[^']*\.(?:parquet|csv)'|face|vector|template|photo", (SQL / f"{group}.sql").read_text()
    )


@pytest.mark.parametrize("file", ["common", "holdings", "timeline"])
def test_C9_what_groups_share_and_what_is_not_a_tag_comes_from_there_too(file: str) -> None:
    text = _bare((SQL / f"{file}.sql").read_text(encoding="utf-8"))
    made = set(re.findall(r"(\w+) AS \(", text)) | set(_SHARED)
    assert set(_READ.findall(text)) <= set(BY_NAME) | made
    assert not re.search(r"read_\w+\(|face|vector|template|photo", text)


def test_C9_a_table_of_faces_is_refused() -> None:
    text = (SQL.parent / "tags.toml").read_text(encoding="utf-8")  # type: ignore[attr-defined]
    with pytest.raises(BadTags, match=r"tags\.toml:\d+: age_band: faces is no table"):
        parse_tags(text.replace('sources = ["customers"]', 'sources = ["faces"]', 1))


def test_C16_no_hour_of_the_day_is_used() -> None:
    for file in ("common", *(group.id for group in TAGS.group)):
        assert not re.search(
            r"\bhour|minute|epoch|time_bucket", _bare((SQL / f"{file}.sql").read_text(encoding="utf-8"))
        )


@pytest.mark.parametrize("tag", [tag for tag in TAGS.tag if tag.shown == "tablet"], ids=lambda tag: tag.id)
def test_C15_nothing_on_a_tablet_says_what_may_never_be_said(tag: object) -> None:
    shown = TAGS.by_id[getattr(tag, "id")]  # noqa: B009
    words = [shown.name_zh, shown.name_en, *(word for _, *pair in shown.choices for word in pair)]
    # amounts are allowed here, after identity is confirmed: what else is said is scanned without them
    assert [found for word in words if (found := forbidden(re.sub(r"[\d,–]+|万|million", "", word)))] == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "tier"\ngroup', 'id = "gender"\ngroup', "gender is defined twice"),
        ('group = "tier"\nname_zh = "总资产"', 'group = "none"\nname_zh = "总资产"', "there is no group none"),
        ('"transactions.country"]', '"transactions.planet"]', "transactions has no column planet"),
        ('["marketing", "whereabouts"]', '["marketing"]', "transactions.country needs consent to whereabouts"),
        ('type = "flag"', 'type = "choice"', "choices go with type choice"),
        ("expires_days = 30", "expires_days = 0", "greater than or equal to 1"),
        ('sources = ["outcomes"]', 'sources = ["decisions"]', "evidence of nothing"),
        ("[[tag]]", "[[tag", "tags.toml"),
    ],
)
def test_a_mistake_in_the_definitions_is_named_with_its_line(old: str, new: str, said: str) -> None:
    text = (SQL.parent / "tags.toml").read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert old in text
    with pytest.raises(BadTags, match=re.escape(said)):
        parse_tags(text.replace(old, new, 1))


def _traveller(bank: HandBank, customer_id: str, *purposes: str) -> None:
    bank.customer(customer_id, *purposes)
    card = bank.account(customer_id, "credit_card", (date(2026, 1, 1), 0))
    for day in (1, 2, 3):
        bank.transaction(card, date(2026, 6, day), -10, "card", channel="pos", country="JP")


def test_C1_consent_for_one_purpose_never_permits_another(tmp_path: Path) -> None:
    bank = HandBank()
    _traveller(bank, "both", "whereabouts")
    _traveller(bank, "marketing", "vip_service", "central_storage", "ticketing", "teller_assist")
    _traveller(bank, "whereabouts", "whereabouts")
    _traveller(bank, "withdrawn", "whereabouts")
    _traveller(bank, "later")
    withdrawn_at_ms = {"whereabouts": at_ms(date(2026, 6, 30), 23), "withdrawn": at_ms(date(2026, 5, 1))}
    for row in bank.rows["consents"]:
        if row["purpose"] == "marketing" and row["customer_id"] in withdrawn_at_ms:
            row["withdrawn_at_ms"] = withdrawn_at_ms[row["customer_id"]]
        if row["customer_id"] == "later":
            row["granted_at_ms"] = at_ms(date(2026, 7, 1), 0)
    tags = bank.tags(tmp_path)
    assert "spends_abroad" in tags["both"]
    assert tags["marketing"]
    assert "spends_abroad" not in tags["marketing"]
    assert not tags["whereabouts"]
    assert not tags["withdrawn"]
    assert not tags["later"]


def test_daily_and_monthly_tags_carry_their_own_date_and_end(tmp_path: Path) -> None:
    stated = {}
    for as_of in (AS_OF, date(2026, 7, 5), date(2026, 7, 31)):
        bank = HandBank(as_of)
        demand = bank.account(bank.customer("c"), "demand", (date(2025, 1, 1), 100), (date(2026, 7, 2), 400))
        bank.transaction(demand, date(2026, 7, 2), 300, "transfer", counterparty_kind="outside")
        build_portrait(bank.write(tmp_path / str(as_of)), tmp_path / "out", SMALL)
        stated[as_of] = {tag: rest for _, tag, *rest in read_tags(tmp_path / "out")}
    monthly = "month_average_assets_fen"
    june = [str(100 * YUAN), AS_OF, date(2026, 8, 4)]
    assert stated[AS_OF][monthly] == june
    assert stated[date(2026, 7, 5)][monthly] == june
    assert stated[date(2026, 7, 31)][monthly] == [
        str(round((100 + 30 * 400) / 31 * YUAN)),
        date(2026, 7, 31),
        date(2026, 9, 4),
    ]
    assert stated[date(2026, 7, 5)]["assets_fen"] == [str(400 * YUAN), date(2026, 7, 5), date(2026, 7, 8)]
    assert stated[AS_OF]["assets_fen"][0] == str(100 * YUAN)


@pytest.mark.parametrize(
    ("as_of", "ends"),
    [
        ("2026-06-30", "2026-06-30"),
        ("2026-07-01", "2026-06-30"),
        ("2024-02-28", "2024-01-31"),
        ("2024-02-29", "2024-02-29"),
    ],
)
def test_month_end(as_of: str, ends: str) -> None:
    assert last_month_end(date.fromisoformat(as_of)) == date.fromisoformat(ends)


def test_a_salary_on_the_last_day_of_every_month_is_one_of_day_31(tmp_path: Path) -> None:
    bank = HandBank()
    demand = bank.account(bank.customer("c"), "demand", (date(2025, 1, 1), 100))
    for day in (date(2026, 2, 28), date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 30)):
        bank.transaction(demand, day, 100, "salary", channel="system")
    assert bank.tags(tmp_path)["c"]["salary_day"] == "31"


def test_risk_tolerance_ends_with_the_assessment(tmp_path: Path) -> None:
    bank = HandBank()
    for number, valid_until in enumerate((date(2026, 6, 30), date(2026, 7, 1))):
        bank.customer(f"c{number}")
        bank.add("risk_assessments", customer_id=f"c{number}", assessed_on=AS_OF, level=3, valid_until=valid_until)
    tags = bank.tags(tmp_path)
    assert "risk_tolerance" not in tags["c0"]
    assert tags["c1"]["risk_tolerance"] == "3"
    assert packaged_tags().by_id["risk_tolerance"].expires_days == 1


def test_a_deposit_that_fell_due_is_no_account_closed_early(tmp_path: Path) -> None:
    bank = HandBank()
    due = date(2026, 6, 1)
    bank.account(bank.customer("due"), "time", (date(2026, 1, 1), 10), matures_on=due, closed_on=due)
    bank.account(bank.customer("early"), "time", (date(2026, 1, 1), 10), matures_on=AS_OF, closed_on=due)
    tags = bank.tags(tmp_path)
    assert "accounts_closed" not in tags["due"]
    assert tags["early"]["accounts_closed"] == "1"
    assert tags["due"]["assets_fen"] == "0"


def test_a_bank_without_anybody_makes_an_empty_file(tmp_path: Path) -> None:
    HandBank().tags(tmp_path)
    assert read_tags(tmp_path / "out") == []


def test_bad_input_is_refused_and_the_last_good_file_stays(tmp_path: Path) -> None:
    bank = HandBank()
    bank.customer("c")
    bank.tags(tmp_path)
    before = (tmp_path / "out" / "tags.parquet").read_bytes()
    bank.add("snapshot", as_of=AS_OF, producer="twice")
    with pytest.raises(BankDataInvalid, match="exactly one row"):
        build_portrait(bank.write(tmp_path), tmp_path / "out", SMALL)
    (tmp_path / "customers.parquet").unlink()
    with pytest.raises(BankTableMissing, match="customers"):
        build_portrait(tmp_path, tmp_path / "out", SMALL)
    assert (tmp_path / "out" / "tags.parquet").read_bytes() == before
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_the_command_says_what_it_made_and_how_far_it_is(tmp_path: Path) -> None:
    bank = HandBank()
    bank.customer("c")
    data = bank.write(tmp_path / "bank")
    steps: list[tuple[str, int, int]] = []
    build_portrait(data, tmp_path / "a", SMALL, lambda *step: steps.append(step))
    assert [number for _, number, _ in steps] == list(range(steps[0][2]))
    ran = CliRunner().invoke(app, ["build", "--data", str(data), "--out", str(tmp_path / "b"), "--json"])
    assert ran.exit_code == 0, ran.output
    assert '"customers": 1' in ran.stdout.splitlines()[-1]
    with duckdb.connect() as both:
        (different,) = both.execute(
            f"SELECT count(*) FROM (FROM '{tmp_path}/a/tags.parquet' EXCEPT FROM '{tmp_path}/b/tags.parquet')"
        ).fetchone()  # type: ignore[misc]
    assert different == 0
    assert len(CliRunner().invoke(app, ["tags"]).stdout.splitlines()) == len(TAGS.tag)
