"""Soft facts and the rights of those they are about: erased on either side, exported in words, gone in time."""

from datetime import timedelta

import pytest
from insight_world import answer, conclusion, enrol, levers, loaded, notes, rows_of
from province_harness import World
from test_province_renewal import renewed

from province_server.insights import facts
from yingbin.ids import now_ms
from yingbin.offers.insights.declaration import load_library
from yingbin.offers.profile import china_today

DAY_MS = 86_400_000


def household(one: str, other: str) -> dict[str, object]:
    return conclusion(one, "household", "transaction", "contact", other_id=other)


def test_C8_renewal_seals_facts_anew(insight_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "BATCH", 1)
    enrol(insight_world, "li", "wang")
    risk = conclusion("wang", "risk_bold", "transaction", "self_declared")
    loaded(insight_world, household("li", "wang"), risk)
    before, acts = [rows_of(insight_world, who)[0] for who in ("li", "wang")], levers(insight_world, "li")
    renewed(insight_world)
    after = [rows_of(insight_world, who)[0] for who in ("li", "wang")]
    for one, other in zip(before, after, strict=True):
        assert (one.fact_id, one.key_ref, one.other_ref) == (other.fact_id, other.key_ref, other.other_ref)
        assert one.content_sealed != other.content_sealed
    assert levers(insight_world, "li") == acts
    assert loaded(insight_world, household("li", "wang"), risk)["cards"] == 0
    assert insight_world.withdraw("wang", "marketing").status_code == 204
    assert levers(insight_world, "li") == {}


@pytest.mark.parametrize("erased", [0, 1])
def test_C5_erasing_either_side_of_a_relation_deletes_the_fact(shared_insights: World, erased: int) -> None:
    both = [f"pair-{erased}-payer", f"pair-{erased}-receiver"]
    enrol(shared_insights, *both)
    loaded(shared_insights, household(*both))
    reply = shared_insights.call("DELETE", f"customers/{both[erased]}")
    assert reply.status_code == 204
    assert [rows_of(shared_insights, who) for who in both] == [[], []]
    receipt = shared_insights.call("GET", reply.headers["Location"].removeprefix("/v1/")).json()
    assert {"what": "insight", "where": "identity_store", "count": 1} in receipt["deleted"]
    if erased:
        assert levers(shared_insights, both[0]) == {}


def test_C5_a_withdrawal_is_receipted_and_leaves_no_words(shared_insights: World) -> None:
    enrol(shared_insights, "gone")
    loaded(shared_insights, conclusion("gone", "risk_bold", "transaction", "self_declared"))
    reply = shared_insights.withdraw("gone", "marketing")
    receipt = shared_insights.call("GET", reply.headers["Location"].removeprefix("/v1/")).json()
    assert {"what": "insight", "where": "identity_store", "count": 1} in receipt["deleted"]
    (held,) = shared_insights.call("GET", "customers/gone/export").json()["insights"]
    assert (held["zh"], held["en"], held["evidence"], held["state"]) == ("", "", [], "expired")


def test_C14_the_export_says_in_words_what_was_concluded_and_names_nobody_else(shared_insights: World) -> None:
    enrol(shared_insights, "reads-payer", "reads-receiver")
    loaded(shared_insights, household("reads-payer", "reads-receiver"))
    claims = load_library()["household"]
    for who, other, about_another in (
        ("reads-payer", "reads-receiver", False),
        ("reads-receiver", "reads-payer", True),
    ):
        export = shared_insights.call("GET", f"customers/{who}/export")
        assert other not in export.text
        (held,) = export.json()["insights"]
        assert (held["zh"], held["en"], held["about_another"]) == (claims.claims_zh, claims.claims, about_another)
        assert {one["family_en"] for one in held["evidence"]} == {"contacts", "transactions"}
        for language, word in (("zh", claims.claims_zh), ("en", claims.claims)):
            printed = shared_insights.call("GET", f"customers/{who}/export/text", params={"language": language})
            assert word in printed.text
            assert other not in printed.text


def test_C18_what_is_over_goes_and_a_denial_is_remembered_for_its_year(insight_world: World) -> None:
    enrol(insight_world, "li", "wang")
    loaded(insight_world, *(conclusion(who, "risk_bold", "transaction", "self_declared") for who in ("li", "wang")))
    (note,) = notes(insight_world.a, "wang")
    assert answer(insight_world.a, "wang", note["fact_id"], confirmed=False).status_code == 204
    retention = insight_world.province.retention
    lasts = rows_of(insight_world, "li")[0].expires_on - china_today() + timedelta(days=30)
    assert retention.due(now_ms() + lasts.days * DAY_MS).gone["insights"] == 0
    assert retention.run(now_ms() + (lasts.days + 1) * DAY_MS).gone["insights"] == 1
    assert [len(rows_of(insight_world, who)) for who in ("li", "wang")] == [0, 1]
    assert retention.run(now_ms() + (365 + 30) * DAY_MS).gone["insights"] == 0
    assert retention.run(now_ms() + (365 + 31) * DAY_MS).gone["insights"] == 1
