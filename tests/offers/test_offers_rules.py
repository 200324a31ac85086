"""The hard-information examples of BRIEF B7, each with a look-alike that must stay silent."""

from typing import Any

import pytest
from offers_builders import CHANNELS, TODAY, YUAN, idle_rich, profile

from yingbin.feed_wire import Candidate
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.profile import Holding, Profile
from yingbin.offers.rules import GENERAL_PROPENSITY, avoid, candidates
from yingbin.offers.wording import INCOME_GAP_ZH

CAPABLE = {"documented_monthly_income_fen": 30_000 * YUAN}
MATURING = {"time_deposit_fen": 10**7, "time_deposit_maturing_fen": 10**7}


def found(p: Profile, catalogue: Catalogue) -> dict[str, Candidate]:
    """Return what rules found, without the general list."""
    return {c.product: c for c in candidates(p, catalogue, TODAY) if c.score > GENERAL_PROPENSITY}


@pytest.mark.parametrize(
    ("product", "fires", "silent"),
    [
        ("e_bank", {"holdings": []}, {"holdings": ["e_bank"]}),
        ("mobile_bank", {"holdings": []}, {"holdings": ["mobile_bank"]}),
        ("sms", {"holdings": [], "demand_deposit_fen": 1}, {"holdings": ["sms"], "demand_deposit_fen": 1}),
        ("etc_credit_card", {"car_loan_fen": 1, **CAPABLE}, {"car_loan_fen": 1, "holdings": ["etc_card"], **CAPABLE}),
        ("etc_credit_card", {"parking_loan_fen": 1, **CAPABLE}, {"mortgage_fen": 1, **CAPABLE}),
        ("etc_credit_card", {"car_loan_fen": 1, **CAPABLE}, {"car_loan_fen": 1}),
        (
            "etc_credit_card",
            {"car_loan_fen": 1, "monthly_repayment_fen": 16_500 * YUAN, **CAPABLE},
            {"car_loan_fen": 1, "monthly_repayment_fen": 16_501 * YUAN, **CAPABLE},
        ),
        (
            "time_deposit",
            {"time_deposit_matures_on": "2026-03-20", **MATURING},
            {"time_deposit_matures_on": "2026-09-20", **MATURING},
        ),
        ("consumer_loan", CAPABLE, {}),
    ],
)
def test_example_fires_and_its_look_alike_does_not(
    catalogue: Catalogue, product: str, fires: dict[str, Any], silent: dict[str, Any]
) -> None:
    assert product in found(profile(**fires), catalogue)
    assert product not in found(profile(**silent), catalogue)


@pytest.mark.parametrize(
    "silent",
    [
        profile(demand_deposit_fen=500_000 * YUAN, demand_idle_days=3),
        profile(demand_deposit_fen=500_000 * YUAN, demand_idle_days=180, wealth_product_fen=600_000 * YUAN),
        profile(demand_deposit_fen=500_000 * YUAN, demand_idle_days=180, monthly_repayment_fen=90_000 * YUAN),
        profile(demand_deposit_fen=900 * YUAN, demand_idle_days=180),
    ],
    ids=["moved lately", "small share", "owed soon", "little money"],
)
def test_idle_demand_money(catalogue: Catalogue, silent: Profile) -> None:
    products = {"time_deposit", "wealth_r1", "wealth_r2", "fund_bond", "treasury_bond"}
    rich = found(idle_rich(), catalogue)
    assert products <= rich.keys()
    assert rich["time_deposit"].reason_zh == "活期占比100%,已闲置180天(来源:存款系统,2026-03-01)"
    assert rich["time_deposit"].reason_en.endswith("(source: deposit ledger, 2026-03-01)")
    assert not products & found(silent, catalogue).keys()


def test_a_product_appears_once_with_its_best_reason(catalogue: Catalogue) -> None:
    both = profile(car_loan_fen=1, parking_loan_fen=1, **CAPABLE)
    cards = [c for c in candidates(both, catalogue, TODAY) if c.product == "etc_credit_card"]
    assert len(cards) == 1
    assert cards[0].reason_zh.startswith("有车贷")


def test_candidates_are_ranked_and_filled_with_the_general_list_without_what_is_held(catalogue: Catalogue) -> None:
    got = candidates(profile(holdings=[*CHANNELS, Holding.CREDIT_CARD]), catalogue, TODAY)
    assert [c.score for c in got] == sorted((c.score for c in got), reverse=True)
    assert [c.product for c in got] == ["time_deposit", "debit_card_upgrade"]
    assert "通用推荐清单" in got[0].reason_zh


def test_C15_income_gap_has_exactly_the_allowed_text_and_no_credit_is_suggested(catalogue: Catalogue) -> None:
    undocumented = profile(car_loan_fen=1, holdings=["credit_card"], demand_deposit_fen=10**9)
    assert INCOME_GAP_ZH == "收入资料不足,暂不主动推荐信贷;客户申请照常受理"
    assert INCOME_GAP_ZH in {note.text_zh for note in avoid(undocumented, TODAY)}
    credit = {code for code, product in catalogue.products.items() if product.credit}
    assert credit
    assert not credit & {c.product for c in candidates(undocumented, catalogue, TODAY)}
    assert INCOME_GAP_ZH not in {note.text_zh for note in avoid(profile(**CAPABLE), TODAY)}


def test_a_maturity_is_told_as_of_the_stated_date(catalogue: Catalogue) -> None:
    maturing = profile(time_deposit_matures_on="2026-03-20", **MATURING)
    reason = found(maturing, catalogue)["time_deposit"].reason_zh
    assert reason == "定期存款19天内到期,可提前安排转存(来源:存款系统,2026-03-01)"
