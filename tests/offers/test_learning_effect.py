"""Figures of effect: intervals against textbook values and simulated coverage; who is underserved; who gets less."""

import numpy as np
import pytest
from learning_log import DAY_MS, empty_bank, logged_bank, put

from yingbin.errors import InvalidInput
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.facts import FACT_TYPES
from yingbin.offers.learning.effect import conversion, refusals, roi, uplift
from yingbin.offers.learning.estimate import (
    NOTHING,
    Share,
    difference,
    log_ratio,
    moments,
    proportion,
    ratio,
    share_of,
)
from yingbin.offers.learning.fairness import bias_check
from yingbin.offers.learning.log_tables import Span
from yingbin.offers.learning.underserved import Visit, underserved, visits_in_log


def test_intervals_are_those_of_newcombe_1998() -> None:
    """Table II of Newcombe (1998), example (a): 56/70 - 48/80, method 10."""
    one, other = Share(56, 70, 70), Share(48, 80, 80)
    assert difference(one, other)[:3] == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert proportion(Share(81, 263, 263))[:3] == pytest.approx((0.3080, 0.2553, 0.3662), abs=5e-5)


def test_nothing_is_said_of_nothing() -> None:
    assert proportion(Share(0, 0, 0)) == difference(Share(0, 0, 0), Share(1, 2, 2)) == ratio([], []) == NOTHING
    assert log_ratio(Share(0, 9, 9), Share(1, 9, 9)) == NOTHING


def test_visits_of_one_customer_are_not_independent() -> None:
    alone = share_of(moments([1, 0] * 50, [1] * 100))
    same = share_of(moments([10, 0] * 5, [10] * 10))
    assert (alone.trials, same.trials) == (100, 100)
    assert alone.effective == pytest.approx(99)
    assert same.effective < 10


def test_intervals_by_customer_cover_the_truth_where_naive_ones_do_not() -> None:
    """Beta-binomial customers with a mean of 0.3 and 8 visits each."""
    rng = np.random.default_rng(3)
    covered = naive = 0
    for _ in range(300):
        hits = rng.binomial(8, rng.beta(0.6, 1.4, 120))
        share = share_of(moments(hits, np.full(120, 8.0)))
        covered += proportion(share).low <= 0.3 <= proportion(share).high
        plain = proportion(Share(share.hits, share.trials, share.trials))
        naive += plain.low <= 0.3 <= plain.high
    assert covered / 300 >= 0.92
    assert naive / 300 < 0.85


def test_conversion_counts_each_product_branch_and_policy_without_the_holdout() -> None:
    bank = logged_bank()
    (product,) = conversion(bank, "product_code")
    assert (product.name, product.customers, product.shown) == ("wealth_r2", 400, 800)
    assert product.accepted == product.sold == bank.execute(
        "SELECT count(*) FROM outcomes WHERE kind = 'sold' AND product_code = 'wealth_r2'"
    ).fetchall()[0][0]  # fmt: skip
    assert product.rate.low < product.accepted / 800 < product.rate.high
    assert product.margin_fen == product.sold * 5_000
    assert [one.name for one in conversion(bank, "branch_id")] == ["b0", "b1"]
    assert [one.name for one in conversion(bank, "policy")] == ["arbitrate", "general"]
    assert conversion(bank, "policy", Span(DAY_MS))[0].shown == 400
    assert conversion(empty_bank(), "branch_id") == []
    assert {(product, reason) for product, reason, _ in refusals(bank)} == {("wealth_r2", "later"), ("sms", "later")}


def test_uplift_and_return_find_what_was_planted() -> None:
    bank = logged_bank()
    found = uplift(bank)
    assert found.accepted.low < 0.2 < found.accepted.high
    assert found.accepted.low > 0.1
    assert found.margin_fen.low < 0.3 * 5_000 - 0.1 * 1_000 < found.margin_fen.high
    gained = roi(bank, 500)
    assert gained.roi.low < 0.3 * 5_000 / 500 - 1 < gained.roi.high
    assert gained.incremental.low < 1_400 / 500 - 1 < gained.incremental.high
    assert uplift(bank) == found  # the bootstrap has a seed
    assert uplift(empty_bank()).margin_fen == roi(empty_bank(), 500).roi == NOTHING
    with pytest.raises(InvalidInput, match="above 0"):
        roi(bank, 0)


def test_underserved_are_consenting_regulars_who_never_got_an_offer() -> None:
    bank = empty_bank()
    rows = [
        (f"{who}-{visit}", who, visit * DAY_MS, "b1", "arbitrate", "sms", 1, 1.0, who == "held-out")
        for who in ("unserved", "served", "refuser", "held-out") for visit in range(3)
    ] + [("rare-0", "rare", 0, "b1", "arbitrate", "sms", 1, 1.0, False)]  # fmt: skip
    put(bank, "decisions", rows)
    put(bank, "consents", [(who, "marketing", 0, 1 if who == "refuser" else None) for who in
                           ("unserved", "served", "refuser", "held-out", "rare")])  # fmt: skip
    put(bank, "outcomes", [("served-1", "served", "sms", DAY_MS, "shown", None, 0)])
    (found,) = underserved(visits_in_log(bank))
    assert (found.customer_id, found.visits, found.last_at_ms) == ("unserved", 3, 2 * DAY_MS)
    assert underserved([Visit("c", "b", 0, True, 0)] * 2) == []


def test_the_bias_check_finds_a_group_that_is_offered_less_and_only_that() -> None:
    bank = logged_bank(1_800)
    bank.execute(
        "DELETE FROM outcomes USING customers c WHERE outcomes.customer_id = c.customer_id AND c.gender = 'female' "
        "AND hash(outcomes.decision_id) % 2 = 0"
    )
    rows = {(one.measure, one.group): one for one in bias_check(bank, "gender")}
    assert {key: one.verdict for key, one in rows.items() if key[0] == "offered"} == {
        ("offered", "female"): "below",
        ("offered", "male"): "met",
    }
    assert rows["offered", "female"].ratio.value == pytest.approx(0.5, abs=0.06)
    assert rows["accepted", "female"].verdict in {"met", "not_shown"}
    assert {one.group for one in bias_check(bank, "registered_in")} == {"44", "45"}
    assert {one.group for one in bias_check(bank, "age_band")} == {"45-59"}


def test_groups_too_small_to_hide_in_are_left_out() -> None:
    bank = logged_bank(60)
    bank.execute("UPDATE customers SET gender = 'unknown' WHERE customer_id IN ('c1', 'c2', 'c4')")
    assert {one.group for one in bias_check(bank, "gender")} == {"female", "male"}


def test_C10_no_rule_can_name_gender_age_or_place_of_registration(catalogue: Catalogue) -> None:
    protected = ("gender", "age", "birth", "region", "registered", "native", "nationality")
    assert not [name for name in FACT_TYPES if any(word in name.split("_") for word in protected)]
    assert all(rule.condition.facts <= FACT_TYPES.keys() for rule in catalogue.rules)
