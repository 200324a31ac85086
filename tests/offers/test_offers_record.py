"""A decision is computed again from its inputs as they were, and says of every product why it was not offered (C10)."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offers_builders import YUAN, assessed, idle_rich, profile, record
from typer.testing import CliRunner

from yingbin.offers.arbitrate import Context
from yingbin.offers.catalogue import Catalogue, load_catalogue, parse_catalogue, read_catalogue
from yingbin.offers.cli import app
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.decision.contact_policy import DAY_MS, Event, history
from yingbin.offers.decision.reasons import STAGE_OF
from yingbin.offers.decision.record import (
    BadRecord,
    DecisionRecord,
    decoded,
    encoded,
    record_visit,
    record_whole,
    replay,
)
from yingbin.wire import CameraRole

AT_MS = 1_772_416_800_000
CATALOGUE = load_catalogue()
CATEGORIES = {code: str(product.category) for code, product in CATALOGUE.products.items()}
HISTORY = history([Event("not_interested", "wealth_r2", "card-1", AT_MS - 3 * DAY_MS)], CATEGORIES)


def whole(who: CustomerRecord | None = None, purposes: frozenset[str] = frozenset({"marketing"}), **more: Any) -> Any:
    customer = who or record(profile=idle_rich(risk_assessment=assessed(3)).model_dump())
    return record_whole(customer, "vip", purposes, CATALOGUE, Context(CameraRole.TICKET_MACHINE), AT_MS, **more)


def reasons(made: DecisionRecord) -> dict[str, Any]:
    return {one.product: one for one in made.output.withheld}


def test_C10_every_product_is_offered_or_says_why_not(catalogue: Catalogue) -> None:
    made = whole(history=HISTORY)
    offered = {offer.product for offer in made.output.offers}
    assert offered.isdisjoint(reasons(made))
    assert offered | set(reasons(made)) == set(catalogue.products)
    assert {one.stage for one in made.output.withheld} >= {
        "eligibility",
        "applicability",
        "contact_policy",
        "diversity",
    }


def test_C10_the_reason_names_rule_values_as_bands_source_and_day() -> None:
    why = reasons(whole(history=HISTORY))
    assert (why["private_banking"].why, why["private_banking"].stage) == ("not_eligible", "eligibility")
    assert why["private_banking"].rule == "financial_assets_fen >= 600000000"
    assert why["private_banking"].values == ("financial_assets_fen: 200 to 500 thousand",)
    assert why["private_banking"].source == "profile, 2026-03-01"
    assert why["wealth_r2"].why == "refused_before"
    assert why["mobile_bank"].values == ("holds_mobile_bank: yes",)
    assert (why["consumer_loan"].why, why["consumer_loan"].rule) == ("income_gap", "income_documented")


def test_no_amount_of_the_profile_is_in_a_reason() -> None:
    who = record(profile=profile(demand_deposit_fen=123_456 * YUAN, fund_fen=654_321 * YUAN).model_dump())
    said = msgspec.json.encode(whole(who).output)
    assert b"123456" not in said
    assert b"654321" not in said


@pytest.mark.parametrize(
    ("fields", "product", "why"),
    [
        ({"demand_deposit_fen": 10_000 * YUAN}, "large_certificate", "below_minimum"),
        ({"car_loan_fen": 1}, "etc_credit_card", "income_gap"),
        (
            {"monthly_repayment_fen": 900, "documented_monthly_income_fen": 1000, "car_loan_fen": 1},
            "etc_credit_card",
            "debt_service",
        ),
        ({"mortgage_fen": 5, "documented_monthly_income_fen": 10**7}, "mortgage", "not_eligible"),
        ({}, "annuity_insurance", "below_minimum"),
        ({"demand_deposit_fen": 10**7}, "annuity_insurance", "no_reason"),
    ],
)
def test_applicability_says_what_is_missing(fields: dict[str, Any], product: str, why: str) -> None:
    assert reasons(whole(record(profile=profile(**fields).model_dump())))[product].why == why


@pytest.mark.parametrize(("purposes", "why"), [(frozenset({"marketing"}), "opted_out"), (frozenset(), "no_consent")])
def test_C10_without_personalisation_the_rest_of_the_catalogue_says_so(purposes: frozenset[str], why: str) -> None:
    made = whole(record(opted_out_of_automated_decisions=True), purposes)
    others = {one.why for one in made.output.withheld if one.product not in CATALOGUE.general.products}
    assert others == {why}
    assert STAGE_OF[made.output.withheld[-1].why] == "consent"


def test_the_record_names_nobody_and_knows_its_catalogue() -> None:
    raw = encoded(whole())
    assert "小明".encode() not in raw
    assert "李".encode() not in raw
    assert decoded(raw).inputs.catalogue == CATALOGUE.name


def test_a_record_comes_out_the_same(tmp_path: Path) -> None:
    made = whole(history=HISTORY, learned={"wealth_r1": 0.9})
    assert replay(made, CATALOGUE) == ()
    assert encoded(decoded(encoded(made))) == encoded(made)
    file = tmp_path / "record.json"
    file.write_bytes(encoded(made))
    result = CliRunner().invoke(app, ["replay", str(file)])
    assert result.exit_code == 0
    assert result.stdout.startswith("identical: offers ")


def test_a_citys_record_needs_no_catalogue() -> None:
    made = whole()
    visit = record_visit(made.inputs.view, Context(), AT_MS)
    assert visit.inputs.made_from is None
    assert replay(decoded(encoded(visit))) == ()


def test_changed_inputs_are_found(tmp_path: Path) -> None:
    made = whole()
    changed = msgspec.structs.replace(made, inputs=msgspec.structs.replace(made.inputs, at_ms=AT_MS + 1))
    with pytest.raises(BadRecord, match="it was changed, or is damaged"):
        replay(changed, CATALOGUE)


def test_a_changed_output_is_found(tmp_path: Path) -> None:
    made = whole()
    changed = msgspec.structs.replace(made, output=msgspec.structs.replace(made.output, offers=()))
    assert replay(changed, CATALOGUE) == ("offers",)
    file = tmp_path / "record.json"
    file.write_bytes(encoded(changed))
    assert CliRunner().invoke(app, ["replay", str(file)]).exit_code == 1


def test_a_record_asks_for_the_catalogue_it_was_made_by() -> None:
    text, name = read_catalogue()
    other = parse_catalogue(text.replace("value = 0.45", "value = 0.46"), name)
    with pytest.raises(BadRecord, match=f"made by catalogue {CATALOGUE.name.replace('+', '.')}.*--catalogue"):
        replay(whole(), other)
    with pytest.raises(BadRecord, match="not by none"):
        replay(whole())


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[1]", b'{"format": 1}'])
def test_what_is_no_record_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRecord, match="not a decision record"):
        decoded(raw)


def test_a_record_of_another_format_is_refused() -> None:
    with pytest.raises(BadRecord, match="format 2"):
        replay(msgspec.structs.replace(whole(), format=2), CATALOGUE)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**10),
    st.integers(0, 400),
    st.booleans(),
    st.booleans(),
    st.sampled_from(CameraRole),
    st.sets(st.sampled_from(sorted(CATALOGUE.products)), max_size=3),
)
def test_any_decision_is_recorded_whole_and_comes_out_the_same(
    demand_fen: int, idle: int, opted_out: bool, consented: bool, role: CameraRole, refused: set[str]
) -> None:
    who = record(
        profile=profile(demand_deposit_fen=demand_fen, demand_idle_days=idle, risk_assessment=assessed(4)).model_dump(),
        opted_out_of_automated_decisions=opted_out,
    )
    purposes = frozenset({"marketing"} if consented else set[str]())
    made = record_whole(who, "vip", purposes, CATALOGUE, Context(role, frozenset(refused)), AT_MS, HISTORY)
    assert replay(decoded(encoded(made)), CATALOGUE) == ()
    everything = [offer.product for offer in made.output.offers] + [one.product for one in made.output.withheld]
    assert sorted(everything) == sorted(CATALOGUE.products)
