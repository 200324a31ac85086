"""Who gets the list for everybody so that the effect can be measured: drawn once, recorded, told to no tablet."""

from pathlib import Path

import msgspec
import pytest
from province_harness import World, record, running

from province_server.keys import PROVINCE
from province_server.settings import ProvinceSettings
from yingbin.feed_wire import Basis, CardView, FeedKind
from yingbin.ids import now_ms
from yingbin.offers.arbitrate import Context, arbitrate
from yingbin.offers.learning.experiments import BadProgramme
from yingbin.offers.profile import china_day
from yingbin.storage.learning import PolicyRow
from yingbin.trust.staff import Role

HOLDOUT = '[holdout]\nshare = 0.2\ndeclared_by = "pm-17"\ndeclared_on = 2026-07-01\n'
EXPERIMENT = """
[[experiment]]
name = "rules-alone"
question = "Is what the log taught worth it?"
declared_by = "pm-17"
declared_on = 2026-07-01
first_day = 2026-07-02
last_day = 2099-01-01
from_share = 0.2
to_share = 1.0
arm = [ { name = "as-now", share = 0.5, policy = "arbitrate" }, { name = "rules", share = 0.5, policy = "rules" } ]
"""


@pytest.fixture
def settings(settings: ProvinceSettings) -> ProvinceSettings:
    """Hold out whom the packaged programme holds out."""
    return settings.model_copy(update={"programme_file": None})


def basis_of(world: World, who: str) -> Basis:
    return world.province.measuring.policies.basis(who, china_day(now_ms()))


def first_who(world: World, *, holdout: bool) -> str:
    return next(f"who-{n}" for n in range(1_000) if basis_of(world, f"who-{n}").holdout is holdout)


def views(world: World) -> dict[str, CardView]:
    return {view.customer_id: view for view in world.a.kinds(FeedKind.CARD_VIEW)}


def test_C10_the_holdout_gets_the_very_list_of_who_opted_out_and_suitability_still_applies(world: World) -> None:
    held, treated = first_who(world, holdout=True), first_who(world, holdout=False)
    for who in (held, treated, "opted-out"):
        world.made("customers", record(who, world.branch_a, opted_out_of_automated_decisions=who == "opted-out"))
        for purpose in ("vip_service", "central_storage", "marketing"):
            assert world.grant(who, purpose).status_code == 204
        assert world.photo(who, who.encode()).status_code == 201
    seen = views(world)
    alike = [msgspec.structs.replace(seen[who], customer_id="", basis=Basis()) for who in (held, "opted-out")]
    assert alike[0] == alike[1]  # names, texts, terms and prices: everything
    offers = [arbitrate(seen[who], Context(), now_ms()).offers for who in (held, "opted-out")]
    assert offers[0] == offers[1] != ()
    assert not any(one.investment for one in seen[held].candidates)
    assert (seen[held].basis.policy, seen[held].basis.holdout) == ("general", True)
    assert (seen[treated].basis.policy, seen[treated].personalised) == ("arbitrate", True)
    assert seen["opted-out"].basis == Basis()  # who may not be addressed is in no comparison


def test_nobody_changes_sides_when_keys_are_renewed_or_the_province_restarts(
    settings: ProvinceSettings, tmp_path: Path
) -> None:
    people = [f"who-{n}" for n in range(400)]
    with running(settings, tmp_path) as world:
        before = [basis_of(world, who).holdout for who in people]
        world.province.keys.begin(PROVINCE)
        world.province.keys.finish(PROVINCE)
        digest = basis_of(world, "who-0").programme
    assert 0 < sum(before) < 40
    larger = settings.model_copy(update={"programme_file": tmp_path / "programme.toml"})
    (tmp_path / "programme.toml").write_text(HOLDOUT + EXPERIMENT)
    with running(larger, tmp_path) as world:
        after = [basis_of(world, who) for who in people]
        told = world.call("GET", "effect/policies", Role.AUDITOR).json()["items"]
        recorded = world.call("GET", "audit", Role.AUDITOR, params={"action": "policies_changed"}).json()
    assert all(one.holdout for one, was in zip(after, before, strict=True) if was)
    assert {one.policy for one in after if not one.holdout} == {"arbitrate", "rules"}
    assert {(one.experiment, one.probability) for one in after if not one.holdout} == {("rules-alone", 0.5)}
    assert [one["programme"] for one in told] == [after[0].programme, digest]
    assert told[0]["declared"]["experiment"][0]["question"] == "Is what the log taught worth it?"
    assert [one["experiments"] for one in told] == [["rules-alone"], []]
    assert [one["details"]["programme"] for one in recorded["items"]] == [after[0].programme[:16], digest[:16]]


def test_a_changed_programme_sends_the_views_once_and_the_same_one_none(
    settings: ProvinceSettings, tmp_path: Path
) -> None:
    with running(settings, tmp_path) as world:
        world.enrolled("li", world.branch_a)
        assert world.province.measuring.policies.announce() == 0
    (tmp_path / "programme.toml").write_text(HOLDOUT)
    again = settings.model_copy(update={"programme_file": tmp_path / "programme.toml"})
    with running(again, tmp_path) as world:
        world.province.measuring.learner.job()  # beside the chore: whoever comes second finds it done
        with world.province.stores.identity.read() as session:
            announced = [row.announced_at_ms for row in session.query(PolicyRow)]
        assert None not in announced
        assert world.province.measuring.policies.announce() == 0


def test_a_programme_with_a_policy_that_does_not_exist_stops_the_start(
    settings: ProvinceSettings, tmp_path: Path
) -> None:
    (tmp_path / "programme.toml").write_text(HOLDOUT + EXPERIMENT.replace('"rules" }', '"magic" }'))
    wrong = settings.model_copy(update={"programme_file": tmp_path / "programme.toml"})
    with pytest.raises(BadProgramme, match=r"experiment\.0\.arm\.1\.policy"), running(wrong, tmp_path):
        pass
