"""Teller assist: advice only, the document prevails, and the same queue with and without it (C1, C4)."""

import httpx
import pytest
from province_harness import StandInReader, World, record

from province_server.assist import Answer, Assist, Liveness
from province_server.cards import Cards
from province_server.catalogues.in_force import InForce
from province_server.limits import RateLimit

ANSWERS = {"consistent", "inconsistent", "cannot_say"}


@pytest.fixture
def bank(world: World) -> World:
    for who, purposes in (
        ("li", ("vip_service", "central_storage", "teller_assist")),
        ("refuser", ("vip_service", "central_storage", "marketing", "ticketing", "whereabouts")),
        ("not-enrolled", ("central_storage", "teller_assist")),
    ):
        world.customer(who, world.branch_a, purposes)
        if who != "not-enrolled":
            assert world.photo(who, who.encode()).status_code == 201
    return world


def ask(world: World, customer_id: str, photo: bytes) -> httpx.Response:
    return world.call("POST", "assist/verify", files={"photo": ("p.jpg", photo)}, data={"customer_id": customer_id})


def test_C1_only_with_consent_to_this_very_purpose(bank: World) -> None:
    for who, photo, expected in (
        ("li", b"li", ("consistent", "")),
        ("li", b"somebody else", ("inconsistent", "")),
        ("li", b"", ("cannot_say", "photo_unusable")),
        ("refuser", b"refuser", ("cannot_say", "not_consented")),
        ("not-enrolled", b"x", ("cannot_say", "not_enrolled")),
    ):
        advice = ask(bank, who, photo).json()
        assert (advice["answer"], advice["reason"]) == expected, who
        assert (advice["liveness"], advice["document_prevails"]) == ("not_checked", True)
    assert ask(bank, "nobody", b"x").status_code == 422
    bank.withdraw("li", "teller_assist")
    assert ask(bank, "li", b"li").json()["reason"] == "not_consented"


def test_C4_refuser_and_accepter_get_the_same_queue(bank: World) -> None:
    replies = [ask(bank, who, photo).json() for who, photo in (("li", b"li"), ("li", b"other"), ("refuser", b"x"))]
    assert {reply["answer"] for reply in replies} == ANSWERS
    assert len({reply["queue"] for reply in replies}) == 1
    bank.made("customers", record("plain", bank.branch_a, tier="potential"))
    assert ask(bank, "plain", b"x").json()["queue"] != replies[0]["queue"], "the tier decides"


def test_C8_faces_cannot_be_tried_on_a_customer_and_no_score_is_told(bank: World) -> None:
    replies = [ask(bank, "li", f"try {number}".encode()) for number in range(7)]
    assert [reply.status_code for reply in replies] == [200] * 6 + [429]
    assert ask(bank, "refuser", b"x").status_code == 200
    assert set(replies[0].json()) == {
        "answer", "reason", "liveness", "queue", "document_prevails", "advice_zh", "advice_en",
    }  # fmt: skip


class Detector:
    """A bank's own detector: says what the photo says."""

    def check(self, photo: bytes) -> Liveness:
        return Liveness.ATTACK if photo == b"a print" else Liveness.LIVE


def test_a_detector_that_sees_an_attack_leaves_nothing_to_compare(bank: World) -> None:
    province = bank.province

    cards = Cards(province.keys, InForce())
    assist = Assist(
        province.stores.identity, cards, province.keys, province.vault, StandInReader(), Detector(), RateLimit(9, 9)
    )
    assert (assist.verify("li", b"a print").answer, assist.verify("li", b"li").answer) == (
        Answer.CANNOT_SAY, Answer.CONSISTENT,
    )  # fmt: skip
    assert assist.verify("li", b"li").liveness is Liveness.LIVE
