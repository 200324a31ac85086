"""A withdrawal in a house of real processes: a province, his own city, and one that he is a guest in (C1, C5)."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import connect

from bench.box_line import BoxLine
from demo.api import Api
from demo.cast import load_cast
from demo.guests import Guest, guests_of_cast
from demo.house import House
from demo.setup import Bank, Founder
from yingbin import pad_wire
from yingbin.faces.engine import FaceEngine
from yingbin.faces.enrolment import acquire, decode_image
from yingbin.faces.pack import ModelPack
from yingbin.galleries.protect import Vector
from yingbin.wire import Outcome

_POLL_S = 0.05


class Tablet:
    """The manager's tablet of a city: the newest card of a visit that satisfies a condition."""

    def __init__(self, bank: Bank) -> None:
        self._line = connect(bank.city_url.replace("http", "ws", 1) + "/v1/pad", legacy=True)
        self._line.send(pad_wire.encode(pad_wire.Hello(bank.pad_token, 0)))

    def card(self, condition: Callable[[pad_wire.Card], bool]) -> pad_wire.Card:
        while True:
            message = pad_wire.decode_from_city(self._line.recv(timeout=60))
            if isinstance(message, pad_wire.CardMessage) and condition(message.card):
                return message.card


@pytest.fixture(scope="module")
def who() -> tuple[Guest, Vector]:
    guest = next(one for one in guests_of_cast(load_cast()) if not one.elsewhere and one.customer.marketing_consent)
    engine = FaceEngine.load(ModelPack.load())
    return guest, np.asarray(acquire(engine, decode_image(guest.photos[0].content)).vector)


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory, who: tuple[Guest, Vector]) -> Iterator[tuple[list[Bank], Api]]:
    with House(tmp_path_factory.mktemp("withdrawal")) as house:
        founder = Founder(house, port=0, say=print, step=lambda _done, _total: None)
        banks = founder.found_cities([who[0]], 2)
        with founder.office() as province:
            yield banks, province


def applied(province: Api, receipt_id: str) -> dict[str, Any]:
    """Wait until every city has applied a withdrawal, as its receipt says."""
    pause = threading.Event()
    while not (receipt := province.call("GET", f"/v1/receipts/{receipt_id}"))["complete"]:
        pause.wait(_POLL_S)
    return receipt


def test_C1_C5_what_is_withdrawn_at_the_province_ends_at_both_cities(
    cities: tuple[list[Bank], Api], who: tuple[Guest, Vector]
) -> None:
    (banks, province), (_, vector) = cities, who
    (customer_id,) = banks[0].people
    lines = [BoxLine(bank.box_settings) for bank in banks]
    assert [line.sees(vector) for line in lines] == [Outcome.MATCHED, Outcome.MATCHED]
    tablets = [Tablet(bank) for bank in banks]
    at_home, as_guest = (tablet.card(lambda card: card.state == "open") for tablet in tablets)
    assert (at_home.from_other_city, as_guest.from_other_city) == (False, True)
    assert at_home.personalised
    assert as_guest.personalised
    # Marketing alone: he is greeted on, and what rested on it is gone from both open cards.
    province.call("DELETE", f"/v1/customers/{customer_id}/consents/marketing")
    for tablet, before in zip(tablets, (at_home, as_guest), strict=True):
        after = tablet.card(lambda card: not card.personalised)
        assert (after.card_id, after.state, after.customer_id) == (before.card_id, "open", customer_id)
        assert {one.product for one in after.offers} != {one.product for one in before.offers}
    # Everything: once the receipt says that a city has applied it, nobody there knows him.
    receipt = applied(province, str(province.call("DELETE", f"/v1/customers/{customer_id}/consents")["receipt_id"]))
    assert len(receipt["cities"]) == len(banks)
    for line, tablet, before in zip(lines, tablets, (at_home, as_guest), strict=True):
        assert [line.sees(vector) for _ in range(3)] == [Outcome.NOT_ENROLLED] * 3
        gone = tablet.card(lambda card: card.state == "withdrawn")
        assert (gone.card_id, gone.customer_id, gone.surname, gone.offers) == (before.card_id, "", "", ())
