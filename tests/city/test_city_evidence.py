"""What a manager says about a visit leaves the best wrong cosine and N, once, and nothing that names anybody."""

import sqlite3

import pytest
from city_house import House, face, wait_for

from yingbin import pad_wire
from yingbin.galleries.known_outcomes import of_database
from yingbin.wire import Outcome


def kept(house: House) -> list[tuple[float, int]]:
    found = of_database(f"sqlite:///{house.data / 'city.db'}", house.pack.pack_id)
    return list(zip(found.scores.tolist(), found.templates.tolist(), strict=True))


def rows(house: House, table: str) -> list[str]:
    with sqlite3.connect(house.data / "city.db") as database:
        database.execute("PRAGMA query_only = ON")
        return [str(row) for row in database.execute(f"SELECT * FROM {table}")]  # noqa: S608  # names from below


def test_a_confirmed_visit_leaves_the_other_identitys_score_once(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    assert box.look(face(1), 1).outcome is Outcome.MATCHED
    card = pad.card().card
    assert kept(house) == []
    for _ in range(2):
        pad.send(pad_wire.ConfirmIdentity(card.card_id))
        pad.next(pad_wire.Portrait)
    expected = float(face(1) @ face(2))
    assert kept(house) == [(pytest.approx(expected, abs=2e-3), 1)]
    assert rows(house, "visit_scores") == []
    assert rows(house, "impostor_scores")[0].count(",") == 3  # id, pack, cosine, N: nobody, no time


def test_a_refused_visit_leaves_the_score_that_was_wrong(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card_id = pad.card().card.card_id
    pad.send(pad_wire.ReportOutcome("o-1", card_id, "wrong_person"))
    pad.next(pad_wire.OutcomeStored)
    assert kept(house) == [(pytest.approx(1.0, abs=2e-3), 2)]


def test_a_search_of_the_province_leaves_none(house: House) -> None:
    box, pad = house.ready_box(), house.pad("lobby-1")
    assert box.look(face(3), 1).outcome is Outcome.MATCHED
    pad.send(pad_wire.ReportOutcome("o-1", pad.card().card.card_id, "wrong_person"))
    pad.next(pad_wire.OutcomeStored)
    wait_for(lambda: rows(house, "outcomes"))
    assert kept(house) == rows(house, "visit_scores") == []
