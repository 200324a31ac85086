"""The pages of the bank's data in a real browser: a table, from upload to quality report, and what an analyst sees."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_house import AdminHouse, open_admin, running, show
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.services
pytest_plugins = ("admin_fixtures",)

CROWD, FEW = 12, 9
"""Customers of two groups alike in age, tier and city: one large enough to be shown, one not."""
CANARIES = ("金丝雀", "I-20", "I-21", "4862005", "1980-02-29", "48620.05")
MAPPING = """
money = "yuan"
ignore = ["BRANCH_PHONE"]
max_refused_share = 0.2
[columns]
CUST_NO = "customer_id"
NAME = "full_name"
SEX = "gender"
BORN = "birth_date"
LEVEL = "tier"
BRANCH = "home_branch_id"
DEMAND_BAL = "demand_deposit_fen"
[values.tier]
V1 = "vip_gold"
V3 = "vip_diamond"
[constants]
as_of = "2026-11-20"
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdminHouse]:
    """Run a province of our own: what is imported here is in nobody else's way."""
    with running(tmp_path_factory.mktemp("imports")) as started:
        yield started


def source_row(house: AdminHouse, number: int, level: str, **changes: str) -> dict[str, str]:
    """Return a customer as the bank's system writes him."""
    return {
        "CUST_NO": f"I-{number}", "NAME": f"金丝雀{number}", "SEX": "female", "BORN": "1980-02-29", "LEVEL": level,
        "BRANCH": house.branches[0], "DEMAND_BAL": "48,620.05", "BRANCH_PHONE": "028-1", **changes,
    }  # fmt: skip


def table(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def begin(page: Page, house: AdminHouse, rows: list[dict[str, str]], *, dry_run: bool, mapping: str = MAPPING) -> None:
    """Upload a table and wait for the end of its job."""
    show(page, house, "imports")
    files: dict[str, Any] = {"table": ("customers.csv", "text/csv", table(rows))}
    files["mapping"] = ("core.toml", "application/toml", mapping.encode())
    for name, (filename, kind, content) in files.items():
        page.get_by_test_id(f"field-{name}").set_input_files(
            {"name": filename, "mimeType": kind, "buffer": content}
        )  # fmt: skip
    page.get_by_test_id("field-dry_run").set_checked(dry_run)
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("quality")).to_be_visible()  # drawn once the job has ended


def customers_of(house: AdminHouse) -> set[str]:
    return {one["customer_id"] for one in house.call("GET", "customers", params={"limit": 200})["items"]}


def test_a_table_goes_from_upload_over_the_dry_run_and_the_report_to_the_quality_of_what_was_committed(
    house: AdminHouse, page: Page, tmp_path: Path
) -> None:
    rows = [source_row(house, number, "V1") for number in range(CROWD)]
    rows += [source_row(house, 20 + number, "V3") for number in range(FEW)]
    wrong = [
        source_row(house, 90, "V9"),  # a level that nobody knows
        source_row(house, 91, "V1", BORN="30.02.1980"),
        source_row(house, 92, "V1", DEMAND_BAL="-1"),
    ]
    begin(page, house, rows + wrong, dry_run=True)
    expect(page.get_by_test_id("job")).to_contain_text("试运行")
    quality = page.get_by_test_id("quality")
    expect(quality).to_contain_text("数据质量")
    for field in ("tier", "birth_date", "demand_deposit_fen"):
        expect(quality.get_by_role("row").filter(has_text=field)).to_be_visible()
    assert customers_of(house) == set(), "a dry run writes nothing"
    with page.expect_download() as caught:
        page.get_by_test_id("report").click()
    caught.value.save_as(tmp_path / "report.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "report.csv").read_text("utf-8-sig"))))
    refused = {line["customer_id"]: line for line in lines if line["outcome"] == "refused"}
    assert set(refused) == {"I-90", "I-91", "I-92"}
    assert (refused["I-90"]["field"], refused["I-90"]["code"]) == ("tier", "unknown_value")
    assert all(line["text_zh"] and line["text_en"] for line in refused.values())

    begin(page, house, rows + wrong, dry_run=False)
    expect(page.get_by_test_id("quality")).to_contain_text(str(len(rows)))
    assert customers_of(house) == {row["CUST_NO"] for row in rows}, "the rest was written, and nothing of what is wrong"
    record = house.call("GET", "customers/I-0")["record"]
    assert (record["full_name"], record["tier"]) == ("金丝雀0", "vip_gold")
    assert record["profile"]["demand_deposit_fen"] == 4_862_005, "the source counts in yuan"
    show(page, house, "customers/I-0")
    expect(page.locator("main")).to_contain_text("金丝雀0")


def test_a_table_with_too_many_faults_writes_nothing_and_says_so(house: AdminHouse, page: Page) -> None:
    before = customers_of(house)
    rows = [source_row(house, 50 + number, "V9" if number % 2 else "V1") for number in range(8)]
    begin(page, house, rows, dry_run=False)
    expect(page.get_by_test_id("job").locator(".problem")).to_be_visible()
    expect(page.get_by_test_id("quality").get_by_role("row").filter(has_text="tier")).to_be_visible()
    assert customers_of(house) == before


def test_a_mapping_that_names_what_we_do_not_have_is_refused_in_words(house: AdminHouse, page: Page) -> None:
    show(page, house, "imports")
    content = {"name": "t.csv", "mimeType": "text/csv", "buffer": table([source_row(house, 1, "V1")])}
    page.get_by_test_id("field-table").set_input_files(content)
    broken = {"name": "m.toml", "mimeType": "application/toml", "buffer": b"[columns]\nCUST_NO = 'colour'\n"}
    page.get_by_test_id("field-mapping").set_input_files(broken)
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("problem")).to_be_visible()
    expect(page.get_by_test_id("problem")).to_contain_text("请求编号")


def test_C8_an_analyst_sees_no_person_no_amount_and_no_group_of_fewer_than_ten(
    house: AdminHouse, chromium: Browser
) -> None:
    for number in range(CROWD):
        _ensure(house, number, "vip_gold")
    for number in range(FEW):
        _ensure(house, 20 + number, "vip_diamond")
    page = open_admin(house, chromium, staff_id="analyst-1")
    heard: list[str] = []
    page.on("response", lambda reply: heard.append(reply.text()) if "/v1/analytics" in reply.url else None)
    show(page, house, "analytics")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(CROWD)
    said = page.locator("main").inner_text() + "".join(heard)
    assert heard
    assert [canary for canary in CANARIES if canary in said] == []
    assert "vip_diamond" not in said, "nine of them are too few"
    assert "45-54" in said
    shown = json.loads(heard[0])["items"]
    assert set(shown[0]) == {
        "pseudonym", "age_band", "tier", "city_id", "city", "holdings", "deposits", "investments", "loans",
    }  # fmt: skip
    assert {one["deposits"] for one in shown} == {"10k-50k"}
    # The pages of people are not there for him, nor does their address open one.
    assert page.get_by_test_id("nav-customers").count() == 0
    page.goto(f"{house.url}/admin/#/customers/I-0")
    expect(page.locator("main")).not_to_contain_text("金丝雀")
    # An erasure makes the group too small at once.
    for number in range(CROWD - FEW):
        house.call("DELETE", f"customers/I-{number}")
    show(page, house, "analytics")
    expect(page.locator("main")).to_contain_text("没有足够大的分组")
    page.context.close()


def _ensure(house: AdminHouse, number: int, tier: str) -> None:
    """Have this customer registered, whether or not the import above ran before."""
    if f"I-{number}" not in customers_of(house):
        profile = {"as_of": "2026-11-20", "demand_deposit_fen": 4_862_005}
        house.customer(f"I-{number}", f"金丝雀{number}", tier=tier, profile=profile)
