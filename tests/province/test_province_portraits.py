"""Portraits at the province: what is taken in, who is shown what, what changed since the last visit, what goes when."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from portrait_bodies import STEADY, TODAY, load, portrait, shown, values
from programmes import NOBODY_HELD_OUT
from province_harness import World, record, running
from pydantic import SecretStr
from sqlalchemy import text

from province_server.lifecycle.retention import DAY_MS
from province_server.portraits import audience
from province_server.portraits.store import REMEMBERED_DAYS, Kept, Showing
from province_server.settings import ProvinceSettings
from yingbin.errors import NotAllowed
from yingbin.ids import now_ms
from yingbin.offers.portrait.page import Portrait
from yingbin.offers.wording import forbidden
from yingbin.portrait_wire import Money, PortraitPage
from yingbin.storage.province import StaffRow
from yingbin.trust.staff import Role


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Keep one province: every test has a customer of its own."""
    folder = tmp_path_factory.mktemp("portraits")
    settings = ProvinceSettings(
        database_url=f"sqlite:///{folder / 'identity.db'}",
        templates_database_url=f"sqlite:///{folder / 'templates.db'}",
        keystore_file=folder / "keys",
        keystore_passphrase=SecretStr("correct horse"),
        programme_file=NOBODY_HELD_OUT,
    )
    with running(settings, folder) as made:
        yield made


def guest(world: World, customer_id: str, *more: str) -> str:
    world.enrolled(customer_id, world.branch_a)
    for purpose in more:
        world.grant(customer_id, purpose)
    return customer_id


def rows(world: World, customer_id: str) -> int:
    with world.province.stores.identity.read() as session:
        counted = text("SELECT count(*) FROM portraits WHERE customer_id = :id")
        return int(session.execute(counted, {"id": customer_id}).scalar_one())


def test_C1_only_customers_of_the_registry_and_only_what_each_consents_to_is_kept(world: World) -> None:
    world.customer("no-marketing", world.branch_a, ("vip_service", "central_storage"))
    world.customer("branch-only", world.branch_a, ("vip_service", "marketing"))
    li = guest(world, "li")
    everybody = [portrait(one, STEADY) for one in (li, "no-marketing", "branch-only", "nobody")]
    counts = {"stored": 1, "without_consent": 2, "unknown": 1}
    assert load(world, *everybody) == counts
    assert load(world, *everybody) == counts  # again: the same
    page = shown(world.a, li)
    assert values(page) == {"age_band": "45–54", "assets_fen": "¥360,000", "asset_trend": "stable"}  # no whereabouts
    assert [(one.name_zh, one.kind, one.amount_fen, one.matures_on) for one in page.holdings] == [
        ("定期存款", "asset", 12_345_678, "2030-01-31"), ("汽车贷款", "debt", 4_000_000, ""),
    ]  # fmt: skip
    assert [one.zh for one in page.timeline] == ["购买 固收类理财(R2)"]
    assert page.lines
    assert page.groups[0].tags[0].source_zh == "客户信息系统"


def test_C1_a_withdrawn_purpose_takes_its_tags_from_the_page_and_from_the_store(world: World) -> None:
    he = guest(world, "traveller", "whereabouts")
    load(world, portrait(he, STEADY))
    assert "spends_abroad" in values(shown(world.a, he))
    world.withdraw(he, "whereabouts")
    assert "spends_abroad" not in values(shown(world.a, he))
    world.grant(he, "whereabouts")  # what was deleted does not come back by itself
    assert "spends_abroad" not in values(shown(world.a, he))
    receipt = world.http.get(
        world.withdraw(he, "marketing").headers["Location"],
        headers={"Authorization": f"Bearer {world.token(Role.AUDITOR)}"},
    ).json()
    assert {"what": "portrait", "where": "identity_store", "count": 1} in receipt["deleted"]
    page = shown(world.a, he)
    assert (page.groups, page.holdings, page.timeline, page.changes) == ((), (), (), ())
    assert page.lines
    assert rows(world, he) == 0


def test_C10_of_whoever_opted_out_nothing_derived_is_shown_what_he_holds_is(world: World) -> None:
    he = guest(world, "opted-out")
    load(world, portrait(he, STEADY))
    assert shown(world.a, he, "visit-1").groups
    load(world, portrait(he, {**STEADY, "asset_trend": "falling"}))
    changed = record(he, world.branch_a, opted_out_of_automated_decisions=True)
    assert world.call("PUT", f"customers/{he}", json=changed).status_code == 204
    page = shown(world.a, he, "visit-2")
    assert (page.groups, page.changes, page.since, page.insights) == ((), (), "", ())
    assert page.holdings
    assert page.timeline


def test_what_changed_is_told_since_the_last_visit_and_stays_through_one_visit(world: World) -> None:
    he = guest(world, "regular")
    load(world, portrait(he, STEADY))
    assert not shown(world.a, he, "visit-1").since  # he was never here before
    load(world, portrait(he, {**STEADY, "asset_trend": "falling"}))
    for _ in range(2):  # a colleague opens it too
        page = shown(world.a, he, "visit-2")
        assert page.since == TODAY.isoformat()
        assert [(one.kind, one.name_en, one.before_en, one.now_en) for one in page.changes] == [
            ("changed", "Trend of assets", "stable", "falling")
        ]
    load(world, portrait(he, {**STEADY, "asset_trend": "rising"}))
    (change,) = shown(world.a, he, "visit-3").changes
    assert (change.before_en, change.now_en) == ("falling", "rising")
    assert shown(world.a, he, "visit-4").changes == ()


def test_C18_a_visit_of_long_ago_is_compared_with_nothing() -> None:
    long_ago = Showing("old", TODAY - timedelta(days=REMEMBERED_DAYS + 1), ())
    assert Kept(Portrait(), (long_ago,)).before("new", TODAY) is None
    lately = long_ago._replace(day=TODAY - timedelta(days=REMEMBERED_DAYS))
    assert Kept(Portrait(), (lately,)).before("new", TODAY) == (lately.day, ())
    assert Kept(Portrait(), (lately,)).before("old", TODAY) is None


@pytest.mark.parametrize("role", Role)
def test_C12_only_roles_of_the_allow_list_see_a_portrait(world: World, role: Role) -> None:
    he = "everybodys"
    if not rows(world, he):
        load(world, portrait(guest(world, he), STEADY))
    with world.province.stores.identity.write() as session:
        session.merge(
            StaffRow(staff_id=f"t-{role}", display_name="x", role=role, branch_id=world.branch_a, secret_hash="x",
                     on_duty=True)
        )  # fmt: skip
    reply = world.a.ask("GET", f"customers/{he}/portrait", params={"staff_id": f"t-{role}"})
    assert reply.status_code == (200 if role in audience.PAGE_FIELDS else 403)
    page = PortraitPage(lines=(Money("金额", "amount", 1, "s", "2026-01-01"),), since="2026-01-01")
    if role not in audience.PAGE_FIELDS:
        with pytest.raises(NotAllowed):
            audience.shown(role, page)
    else:
        assert audience.shown(role, page) == page


def test_an_older_portrait_does_not_take_the_place_of_a_newer_one(world: World) -> None:
    he = guest(world, "newest")
    load(world, portrait(he, STEADY))
    yesterday = TODAY - timedelta(days=1)
    assert load(world, portrait(he, {"asset_trend": "falling"}, yesterday), as_of=yesterday) == {"older": 1}
    assert values(shown(world.a, he))["asset_trend"] == "stable"


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"no_such_tag": "1"}, "tag no_such_tag is not defined"),
        ({"assets_fen": "secret-9"}, "a value of tag assets_fen is no fen"),
        ({"age_band": "secret-9"}, "a value of tag age_band is no choice"),
    ],
)
def test_a_value_that_cannot_be_said_is_refused_without_quoting_it(
    world: World, tags: dict[str, str], said: str
) -> None:
    body = {"as_of": TODAY.isoformat(), "items": [portrait("li", {**STEADY, **tags})]}
    reply = world.call("POST", "portraits", json=body)
    assert reply.status_code == 422
    assert said in reply.json()["detail"]
    assert "secret-9" not in reply.text


def test_C15_a_product_code_that_may_not_be_said_is_left_out(world: World) -> None:
    he = guest(world, "hidden-codes")
    body = portrait(he, STEADY)
    body["timeline"].append({**body["timeline"][0], "detail": "nurse_night-shift"})
    body["holdings"].append({**body["holdings"][0], "product": "hospital_fund", "kind": "fund"})
    load(world, body)
    page = shown(world.a, he)
    assert len(page.timeline) == 1
    assert [one.name_en for one in page.holdings] == ["Fund", "Time deposit", "Car loan"]
    for sentence in (*(one.en for one in page.timeline), *(one.name_en for one in page.holdings)):
        assert forbidden(sentence, confirmed=True) is None


def test_C8_C5_it_is_sealed_exported_in_words_and_erased(world: World) -> None:
    he = guest(world, "secretive")
    load(world, portrait(he, {**STEADY, "asset_trend": "rising"}))
    shown(world.a, he, "visit-1")
    for path in Path(world.folder).glob("identity.db*"):
        raw = path.read_bytes() if path.is_file() else b""
        assert b"asset_trend" not in raw
        assert b"12345678" not in raw
    exported = world.call("GET", f"customers/{he}/export").json()["portrait"]
    assert {"总资产", "资产趋势"} <= {tag["name_zh"] for tag in exported["tags"]}
    assert exported["shown_on"] == [TODAY.isoformat()]
    printed = world.call("GET", f"customers/{he}/export/text", params={"language": "en"}).text
    for line in ("- Trend of assets: rising", "- 定期存款: ¥123,456.78", "- shown at the visit of"):
        assert line in printed
    erased = world.call("DELETE", f"customers/{he}")
    assert rows(world, he) == 0
    receipt = world.http.get(
        erased.headers["Location"], headers={"Authorization": f"Bearer {world.token(Role.AUDITOR)}"}
    ).json()
    assert {"what": "portrait", "where": "identity_store", "count": 1} in receipt["deleted"]


def test_C18_past_its_last_day_it_is_neither_shown_nor_kept(world: World) -> None:
    he, other = guest(world, "expired"), guest(world, "in-force")
    long_ago = TODAY - timedelta(days=9)
    load(world, portrait(he, STEADY, long_ago, days=5), as_of=long_ago)
    load(world, portrait(other, STEADY))
    page = shown(world.a, he)
    assert (page.groups, page.holdings, page.timeline) == ((), (), ())
    assert world.province.retention.run(now_ms()).gone["portraits"] == 1
    assert (rows(world, he), rows(world, other)) == (0, 1)
    assert world.province.retention.run(now_ms() + 32 * DAY_MS).gone["portraits"] >= 1
    assert rows(world, other) == 0
