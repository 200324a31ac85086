"""The effect page in a real browser: what is not known is said so; uplift, returns and groups come with intervals."""

from collections.abc import Iterator

import pytest
from admin_house import AdminHouse, open_admin, show
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from yingbin.ids import new_id, now_ms
from yingbin.storage.database import Database
from yingbin.storage.learning import SaleRow
from yingbin.storage.province import OutcomeRow

pytestmark = pytest.mark.services
pytest_plugins = ("admin_fixtures",)

DAY_MS = 86_400_000
CUSTOMERS = 48


@pytest.fixture
def page(house: AdminHouse, chromium: Browser) -> Iterator[Page]:
    """Open the pages as an analyst, who is asked for nothing but figures."""
    opened = open_admin(house, chromium, staff_id="analyst-1")
    yield opened
    opened.context.close()


def visits(house: AdminHouse) -> None:
    """Let 48 customers come once: a third held out; half of the others take up a deposit, an eighth of the holdout."""
    database = Database(house.settings.database_url)
    at_ms = now_ms() - DAY_MS
    for number in range(CUSTOMERS):
        house.customer(f"E-{number}", gender="male" if number % 2 else "female")
    with database.write() as session:
        for number in range(CUSTOMERS):
            held_out, card = number % 3 == 0, f"card-{number}"
            taken = number % 24 == 0 if held_out else number % 3 == 1
            product = "sms" if held_out else "time_deposit"
            kinds = ["greeted", "shown", "accepted" if taken else "not_interested"]
            session.add_all(
                OutcomeRow(
                    outcome_id=new_id(), card_id=card, customer_id=f"E-{number}", branch_id=house.branches[0],
                    staff_id="s-0", kind=kind, product="" if kind == "greeted" else product, at_ms=at_ms,
                    policy="general" if held_out else "arbitrate", holdout=held_out,
                    reason="price" if kind == "not_interested" else "",
                )
                for kind in kinds
            )  # fmt: skip
            if taken:
                session.add(
                    SaleRow(
                        sale_id=card, customer_id=f"E-{number}", product=product, amount_fen=100, margin_fen=50_000,
                        at_ms=at_ms + 1, card_id=card, was_shown=True,
                    )
                )  # fmt: skip
    database.close()


def test_the_effect_page_says_what_it_knows_and_what_not(house: AdminHouse, page: Page) -> None:
    show(page, house, "effect")
    expect(page.get_by_test_id("uplift-state")).to_contain_text("数据不足")
    expect(page.get_by_test_id("uplift")).to_contain_text("数据不足")
    visits(house)
    page.reload()
    expect(page.get_by_test_id("uplift-state")).to_contain_text("个性化 32 位客户,对照组 16 位".replace(",", "，"))
    expect(page.get_by_test_id("uplift").locator("tr", has_text="差值").first).to_contain_text("37.5%")
    expect(page.locator("svg[role=img][aria-label='每次到店的接受率'] circle")).to_have_count(3)
    expect(page.locator("main")).to_contain_text("价格原因")
    page.get_by_test_id("compare").click()
    expect(page.get_by_test_id("bias")).to_contain_text("女")
    expect(page.get_by_test_id("underserved")).to_contain_text("0 位")
    assert page.locator("main").inner_text().count("E-1") == 0  # an analyst sees no customer
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
