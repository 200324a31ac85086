"""The portrait passes through the city, which keeps nothing of it; answers to its questions are kept till delivered."""

import sqlite3
from contextlib import closing

import pytest
from city_house import House
from city_pad import PadClient
from city_people import face
from city_sockets import wait_for

from yingbin import pad_wire
from yingbin.feed_wire import FeedKind
from yingbin.portrait_wire import (
    Change,
    Holding,
    InsightEvidence,
    InsightNote,
    PortraitPage,
    PortraitTag,
    TagGroup,
    TimelineEvent,
)

CANARY = "月日均资产四十二"
TAG = PortraitTag("assets", "总资产", "Assets", CANARY, CANARY, "合计", "sum", "核心系统", "core banking", "2026-06-30")
NOTE = InsightNote(
    "f-1", "常去外地？", "Away often?", False, (InsightEvidence("交易", "cards", 3, "2026-06-01"),), "2026-12-01"
)
PAGE = PortraitPage(
    lines=(),
    groups=(TagGroup("tier", "等级", "Tier", (TAG,)),),
    holdings=(Holding("定期", "Deposit", "asset", 9, "核心系统", "core banking", "2026-06-30", "2027-01-01"),),
    timeline=(TimelineEvent("2026-06-01", "购买 理财", "bought: wealth"),),
    since="2026-05-01",
    changes=(Change("changed", "总资产", "Assets", "1", "1", "2", "2"),),
    insights=(NOTE,),
)


@pytest.fixture
def here(house: House) -> tuple[House, PadClient, str]:
    """Zhang is here, and his card at his manager's tablet."""
    house.province.portrait = PAGE
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    return house, pad, pad.card().card.card_id


def confirm(pad: PadClient, card_id: str) -> pad_wire.Portrait:
    pad.send(pad_wire.ConfirmIdentity(card_id))
    return pad.next(pad_wire.Portrait)


def answer(answer_id: str, card_id: str, fact_id: str = "f-1", *, confirmed: bool = True) -> pad_wire.AnswerInsight:
    return pad_wire.AnswerInsight(answer_id, card_id, fact_id, confirmed)


def waiting(house: House) -> int:
    """Return how many answers the city keeps."""
    with closing(sqlite3.connect(house.data / "city.db")) as database:
        return int(database.execute("SELECT count(*) FROM insight_answers").fetchone()[0])


def test_C8_the_portrait_passes_through_whole_and_nothing_of_it_is_on_the_citys_disk(
    here: tuple[House, PadClient, str],
) -> None:
    house, pad, card_id = here
    portrait = confirm(pad, card_id)
    assert portrait.available
    assert portrait.lines[0].amount_fen == 12_345_600
    for part in ("groups", "holdings", "timeline", "since", "changes", "insights"):
        assert getattr(portrait, part) == getattr(PAGE, part)
    assert house.province.portrait_visits == [card_id]
    files = [path for path in house.data.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert CANARY.encode() not in path.read_bytes()


def test_an_answer_given_while_the_province_is_away_is_delivered_once_it_is_back(
    here: tuple[House, PadClient, str],
) -> None:
    house, pad, card_id = here
    confirm(pad, card_id)
    house.province.down = True
    for _ in range(2):  # the tablet did not hear the first acknowledgement
        pad.send(answer("a-1", card_id, confirmed=False))
        assert pad.next(pad_wire.OutcomeStored).outcome_id == "a-1"
    assert house.province.answers == []
    house.province.down = False
    wait_for(lambda: house.province.answers)
    ((fact_id, told),) = house.province.answers
    assert (fact_id, told.answer_id, told.customer_id, told.staff_id, told.confirmed) == (
        "f-1", "a-1", "zhang", "rm-1", False,
    )  # fmt: skip


def test_an_answer_the_province_never_takes_holds_up_no_other(here: tuple[House, PadClient, str]) -> None:
    house, pad, card_id = here
    confirm(pad, card_id)
    house.province.facts_gone = {"gone"}
    for answer_id, fact_id in (("a-1", "gone"), ("a-2", "f-1")):
        pad.send(answer(answer_id, card_id, fact_id))
        pad.next(pad_wire.OutcomeStored)
    wait_for(lambda: house.province.answers)
    assert [fact_id for fact_id, _ in house.province.answers] == ["f-1"]


def test_C14_nobody_is_asked_before_his_identity_is_confirmed(here: tuple[House, PadClient, str]) -> None:
    _, pad, card_id = here
    pad.send(answer("a-1", card_id))
    refused = pad.next(pad_wire.PadRefused)
    assert (refused.code, refused.about) == ("conflict", "a-1")
    confirm(pad, card_id)
    pad.send(answer("a-1", card_id))
    pad.next(pad_wire.OutcomeStored)
    for wrong, code in (
        (answer("a-1", card_id, "other"), "conflict"),
        (answer("a-2", "no-such-card"), "not_found"),
        (answer("a-3", card_id, "../../v1/staff"), "invalid_input"),
        (answer("x" * 65, card_id), "invalid_input"),
    ):
        pad.send(wrong)
        assert pad.next(pad_wire.PadRefused).code == code


def test_C5_answers_of_a_customer_who_was_somebody_else_or_withdrew_are_gone(
    here: tuple[House, PadClient, str],
) -> None:
    house, pad, card_id = here
    confirm(pad, card_id)
    house.province.down = True
    pad.send(answer("a-1", card_id))
    pad.next(pad_wire.OutcomeStored)
    assert waiting(house) == 1
    pad.send(pad_wire.ReportOutcome("o-1", card_id, "wrong_person"))
    pad.next(pad_wire.OutcomeStored)
    assert waiting(house) == 0
    pad.send(answer("a-2", card_id))
    assert pad.next(pad_wire.PadRefused).code == "conflict"


def test_C5_answers_of_a_customer_who_withdrew_are_gone(here: tuple[House, PadClient, str]) -> None:
    house, pad, card_id = here
    confirm(pad, card_id)
    house.province.facts_gone = {"f-1"}
    pad.send(answer("a-1", card_id))
    pad.next(pad_wire.OutcomeStored)
    assert waiting(house) == 1
    house.province.put(FeedKind.TEMPLATE, "t-zhang", None)
    house.province.put(FeedKind.CARD_VIEW, "zhang", None)
    pad.card(lambda message: message.card.state == "withdrawn")
    wait_for(lambda: waiting(house) == 0)
