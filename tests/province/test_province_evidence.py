"""A search of the province leaves its best wrong cosine and N, once its outcome is known, and names nobody."""

import sqlite3

import msgspec
import pytest
from province_harness import StandInReader, World, vector_of

from yingbin.galleries.known_outcomes import of_database
from yingbin.report_wire import OutcomeReport

PORTRAIT = "customers/li/portrait"


def kept(world: World) -> list[tuple[float, int]]:
    found = of_database(f"sqlite:///{world.folder / 'identity.db'}", StandInReader.pack_id)
    return list(zip(found.scores.tolist(), found.templates.tolist(), strict=True))


def cosine(one: str, other: str) -> float:
    return float(vector_of(one.encode()) @ vector_of(other.encode()))


def outcome(world: World, kind: str, outcome_id: str) -> OutcomeReport:
    return OutcomeReport(outcome_id, "card-1", "li", world.branch_b, "rm-1", kind, "", 1)


def report(world: World, *outcomes: OutcomeReport) -> None:
    assert world.b.ask("POST", "outcomes", content=msgspec.msgpack.encode(outcomes)).status_code == 204


@pytest.fixture
def matched(world: World) -> World:
    """Have li of city a recognised in city b, among three customers."""
    for name in ("li", "wang", "zhao"):
        world.enrolled(name, world.branch_a)
    assert world.found("li") == "li"
    assert kept(world) == []
    return world


def test_asking_for_the_portrait_leaves_the_other_identitys_score_once(matched: World) -> None:
    for _ in range(2):
        assert matched.b.ask("GET", PORTRAIT).status_code == 200
    best_other = max(cosine("li", "wang"), cosine("li", "zhao"))
    assert kept(matched) == [(pytest.approx(best_other, abs=2e-3), 2)]
    assert matched.found("li") == "li"  # the same visit, another camera
    report(matched, outcome(matched, "wrong_person", "o-1"))
    assert len(kept(matched)) == 1


def test_not_this_person_leaves_the_score_that_was_wrong_once(matched: World) -> None:
    report(matched, outcome(matched, "not_interested", "o-1"))
    assert kept(matched) == []
    for outcome_id in ("o-2", "o-2", "o-3"):
        report(matched, outcome(matched, "wrong_person", outcome_id))
    assert kept(matched) == [(pytest.approx(1.0, abs=2e-3), 3)]


def test_a_city_settles_only_what_it_was_told(matched: World) -> None:
    assert matched.a.ask("GET", PORTRAIT).status_code == 200  # at home: found by city a itself
    assert kept(matched) == []


def test_C8_what_is_kept_names_nobody(matched: World) -> None:
    assert matched.b.ask("GET", PORTRAIT).status_code == 200
    with sqlite3.connect(matched.folder / "identity.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(impostor_scores)")]
    assert columns == ["id", "pack_id", "score", "templates"]
