"""What a branch did on a day, as the province is told: counts, the newest whole, nobody named."""

from city_house import House, face, wait_for

from yingbin import pad_wire
from yingbin.report_wire import BranchDay


def newest(house: House) -> BranchDay | None:
    return max(house.province.days, key=lambda day: day.changes, default=None)


def told(house: House, **counts: int) -> BranchDay:
    """Wait for a day with these counts."""

    def look() -> BranchDay | None:
        day = newest(house)
        return day if day and all(getattr(day, name) == count for name, count in counts.items()) else None

    found = wait_for(look)
    assert found is not None
    return found


def test_visits_answers_and_whether_it_was_him_reach_the_province(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    card_id = pad.card().card.card_id
    assert sum(told(house, visits=1).answered) == 0
    pad.send(pad_wire.Acknowledge(card_id))
    pad.send(pad_wire.ConfirmIdentity(card_id))
    pad.next(pad_wire.Portrait)
    assert sum(told(house, visits=1, confirmed=1).answered) == 1
    pad.send(pad_wire.ReportOutcome("o-1", card_id, "wrong_person"))
    pad.next(pad_wire.OutcomeStored)
    day = told(house, visits=1, confirmed=0, wrong_person=1)
    assert sum(day.answered) == 1
    assert day.branch_id == "branch-1"


def test_C8_a_day_names_nobody_and_waits_for_a_province_that_is_away(house: House) -> None:
    box, pad = house.ready_box(), house.pad("rm-1")
    house.province.down = True
    box.look(face(1), 1)
    pad.card()
    house.province.down = False
    day = told(house, visits=1)
    assert "rm-1" not in repr(day)
    assert "customer" not in repr(day)
