from pathlib import Path

from bench.offers_bench import PRODUCTS, RULES, run_offers_bench
from bench.offers_catalogue import generated_catalogue
from bench.synthetic_bank.bank import LEAST
from yingbin.offers.catalogue import parse_catalogue


def test_the_figures_have_their_keys_and_nothing_unsuitable_comes_through(tmp_path: Path) -> None:
    figures = run_offers_bench(tmp_path, LEAST, lambda _: None, decided=10)
    fixed = "products rules customers p50_ms p99_ms suitability_checks suitability_violations nightly_s nightly_rss_mb"
    assert set(fixed.split()) <= set(figures)
    assert (figures["products"], figures["rules"], figures["customers"]) == (200, 300, LEAST)
    assert figures["suitability_checks"] >= 10_000
    assert figures["suitability_violations"] == 0
    assert (figures["time_shift_decisions"], figures["time_shift_changed"]) == (40, 0)
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert figures["offers_per_visit"] > 0
    assert figures["nightly_s"] > 0
    assert figures["nightly_rss_mb"] > 0
    assert min(figures["portrait_s"], figures["portrait_rss_mb"]) > 0


def test_the_generated_catalogue_is_valid_and_the_same_for_the_same_seed() -> None:
    text = generated_catalogue(PRODUCTS, RULES, 3)
    assert text == generated_catalogue(PRODUCTS, RULES, 3)
    made = parse_catalogue(text, "generated")
    assert (len(made.products), len(made.rules)) == (PRODUCTS, RULES)
    assert {one.risk_level for one in made.products.values()} == set(range(6))
    assert made.excludes
    assert made.levers
