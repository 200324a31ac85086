"""What the province knows of a visit before it happens: from record and outcomes to the order of the offers."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from programmes import NOBODY_HELD_OUT
from province_harness import World, record, running
from pydantic import SecretStr

from province_server.settings import ProvinceSettings
from yingbin.feed_wire import CardView, FeedKind
from yingbin.ids import new_id, now_ms
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.catalogue import read_catalogue
from yingbin.offers.decision.context import signals
from yingbin.offers.profile import china_today
from yingbin.report_wire import OutcomeReport

TODAY = china_today()
DUE = {
    "as_of": TODAY.isoformat(), "time_deposit_fen": 50_000_000, "time_deposit_maturing_fen": 50_000_000,
    "time_deposit_matures_on": (TODAY + timedelta(days=3)).isoformat(), "salary_day": TODAY.day,
}  # fmt: skip
LATER = {**DUE, "time_deposit_matures_on": (TODAY + timedelta(days=40)).isoformat(),
         "salary_day": (TODAY - timedelta(days=10)).day}  # fmt: skip


@pytest.fixture(scope="module")
def campaigning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run a province whose catalogue has a campaign at one branch, with everybody of these tests enrolled."""
    folder = tmp_path_factory.mktemp("campaigning")
    text, _ = read_catalogue()
    campaign = f"""
[[campaign]]
id = "spring"
product = "e_bank"
branches = ["branch-of-the-campaign"]
valid_from = {TODAY}
valid_until = {TODAY + timedelta(days=1)}
factor = 2.0
"""
    (folder / "catalogue.toml").write_text(text + campaign, "utf-8")
    settings = ProvinceSettings(
        database_url=f"sqlite:///{folder / 'identity.db'}",
        templates_database_url=f"sqlite:///{folder / 'templates.db'}",
        keystore_file=folder / "keys", keystore_passphrase=SecretStr("correct horse"),
        programme_file=NOBODY_HELD_OUT,
        catalogue_file=folder / "catalogue.toml",
    )  # fmt: skip
    with running(settings, folder) as world:
        for who, profile in (("due", DUE), ("later", LATER), ("refuses", DUE)):
            world.made("customers", record(who, world.branch_a, profile=profile))
            for purpose in ("vip_service", "central_storage", "marketing"):
                assert world.grant(who, purpose).status_code == 204
            assert world.photo(who, who.encode()).status_code == 201
        yield world


def view(world: World, who: str) -> CardView:
    (found,) = [one for one in world.a.kinds(FeedKind.CARD_VIEW) if one.customer_id == who]
    assert isinstance(found, CardView)
    return found


@pytest.mark.parametrize("signal", ["maturing_this_week", "salary_day"])
def test_a_maturity_and_a_salary_day_of_the_record_hold_at_the_visit(campaigning: World, signal: str) -> None:
    assert signal in signals(view(campaigning, "due"), Context(), now_ms())
    assert signal not in signals(view(campaigning, "later"), Context(), now_ms())


def test_a_refusal_at_the_last_visit_holds_at_the_next(campaigning: World) -> None:
    assert "refused_last_visit" not in signals(view(campaigning, "refuses"), Context(), now_ms())
    for card, kind in (("card-1", "not_interested"), ("card-2", "greeted")):
        told = OutcomeReport(new_id(), card, "refuses", campaigning.branch_b, "rm-1", kind, "e_bank", now_ms())
        assert campaigning.b.ask("POST", "outcomes", content=msgspec.msgpack.encode([told])).status_code == 204
        holds = "refused_last_visit" in signals(view(campaigning, "refuses"), Context(), now_ms())
        assert holds is (kind == "not_interested"), "until a visit without one"


def test_a_campaign_counts_at_its_branch_alone(campaigning: World) -> None:
    seen = view(campaigning, "later")
    (pushed,) = [one for one in seen.candidates if one.product == "e_bank"]
    assert [(lever.signal, lever.branches) for lever in pushed.levers if lever.branches] == [
        ("campaign", ("branch-of-the-campaign",))
    ]

    firsts = [
        arbitrate(seen, Context(branch_id=branch_id), now_ms()).offers[0].product
        for branch_id in ("branch-of-the-campaign", "another-branch")
    ]
    assert firsts == ["e_bank", "mobile_bank"]
