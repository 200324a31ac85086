"""Holdout and experiments: random, the same everywhere, declared before, never two on one customer."""

import hashlib
import hmac
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from yingbin.errors import BadConfiguration
from yingbin.offers.learning.experiments import (
    LINE,
    BadProgramme,
    Programme,
    assignment,
    is_held_out,
    load_programme,
)
from yingbin.offers.learning.holdout import position

KEY = bytes(range(32))
DAY = date(2026, 9, 10)
PEOPLE = [f"customer-{number}" for number in range(20_000)]
EXPERIMENT = """
[[experiment]]
name = "{name}"
question = "Does it help?"
declared_by = "pm-17"
declared_on = 2026-08-20
first_day = {first}
last_day = {last}
from_share = {low}
to_share = {high}
arm = [ {{ name = "a", share = 0.5, policy = "arbitrate" }}, {{ name = "b", share = 0.5, policy = "rules" }} ]
"""


def file(tmp_path: Path, *experiments: str) -> Path:
    path = tmp_path / "programme.toml"
    path.write_text('[holdout]\nshare = 0.02\ndeclared_by = "pm-17"\ndeclared_on = 2026-07-01\n' + "".join(experiments))
    return path


def declared(
    name: str = "one", low: float = 0.02, high: float = 0.5, first: str = "2026-09-01", last: str = "2026-09-30"
) -> str:
    return EXPERIMENT.format(name=name, low=low, high=high, first=first, last=last)


def test_places_are_uniform_and_two_draws_independent() -> None:
    places = [position(KEY, LINE, who) for who in PEOPLE]
    assert kstest(places, "uniform").pvalue > 0.001
    half = [position(KEY, "arms", who) for who, place in zip(PEOPLE, places, strict=True) if place < 0.1]
    assert kstest(half, "uniform").pvalue > 0.001


def test_the_place_is_a_plain_hmac_so_any_machine_and_release_finds_the_same() -> None:
    whole = int.from_bytes(hmac.new(KEY, b"line\x00c-1", hashlib.sha256).digest()[:8], "big")
    assert position(KEY, LINE, "c-1") == pytest.approx(whole / 2**64, abs=1e-15)
    assert position(KEY, LINE, "c-1") != position(KEY[::-1], LINE, "c-1")


@given(st.text(min_size=1, max_size=64))
def test_every_id_has_a_place(customer_id: str) -> None:
    assert 0 <= position(KEY, LINE, customer_id) < 1


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="at least 16"):
        position(b"short", LINE, "c-1")


def test_the_packaged_holdout_has_two_percent(tmp_path: Path) -> None:
    programme = load_programme()
    held_out = {who for who in PEOPLE if is_held_out(programme, KEY, who)}
    assert 0.017 < len(held_out) / len(PEOPLE) < 0.023
    later = load_programme(file(tmp_path, declared()))
    assert {who for who in PEOPLE if is_held_out(later, KEY, who)} == held_out


def test_nobody_is_in_two_experiments_nor_in_one_and_the_holdout(tmp_path: Path) -> None:
    programme = load_programme(file(tmp_path, declared("one", 0.02, 0.3), declared("two", 0.3, 0.6)))
    found = {who: assignment(programme, KEY, who, DAY) for who in PEOPLE}
    assert not any(found[who] for who in PEOPLE if is_held_out(programme, KEY, who))
    for name, share in (("one", 0.28), ("two", 0.3)):
        inside = [one for one in found.values() if one and one.experiment == name]
        assert len(inside) / len(PEOPLE) == pytest.approx(share, abs=0.02)
        assert sum(one.arm == "a" for one in inside) / len(inside) == pytest.approx(0.5, abs=0.03)
    assert assignment(programme, KEY, PEOPLE[0], date(2026, 10, 1)) is None


def test_an_assignment_names_the_digest_of_what_was_declared(tmp_path: Path) -> None:
    def digest(programme: Programme) -> str:
        return next(one.digest for who in PEOPLE if (one := assignment(programme, KEY, who, DAY)))

    before = digest(load_programme(file(tmp_path, declared())))
    assert before == digest(load_programme(file(tmp_path, declared())))
    assert before != digest(load_programme(file(tmp_path, declared().replace("Does it help?", "Does it hurt?"))))


@pytest.mark.parametrize(
    ("experiments", "said"),
    [
        ([declared("one"), declared("two", 0.4, 0.6)], "one and two would have customers in common"),
        ([declared("one"), declared("one", 0.5, 0.6)], "a name of its own"),
        ([declared(low=0.01)], "inside the holdout"),
        ([declared(low=0.5, high=0.4)], "below to_share"),
        ([declared(first="2026-08-01")], "declared before it begins"),
        ([declared().replace("share = 0.5, policy = \"rules\"", "share = 0.6, policy = \"rules\"")], "add up to 1"),
        ([declared().replace('name = "b"', 'name = "a"')], "two arms"),
        ([declared() + "speed = 3\n"], "speed"),
        (["[[experiment"], "not valid TOML"),
        ([declared().replace('policy = "rules"', 'policy = "deposit-first"')], "'arbitrate', 'rules' or 'general'"),
    ],
)  # fmt: skip
def test_a_programme_that_is_wrong_is_refused_with_the_reason(
    tmp_path: Path, experiments: list[str], said: str
) -> None:
    with pytest.raises(BadProgramme, match=said):
        load_programme(file(tmp_path, *experiments))


def test_one_after_the_other_may_have_the_same_customers(tmp_path: Path) -> None:
    later = declared("two", first="2026-10-01", last="2026-10-31")
    assert len(load_programme(file(tmp_path, declared("one"), later)).experiments) == 2


def test_a_missing_programme_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadProgramme, match="cannot read"):
        load_programme(tmp_path / "absent.toml")
