from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pad_builders import card_message, welcome

from pad_client.session import LONGEST_DELAY_S, Session, TokenExpired
from yingbin.pad_wire import Acknowledge, Beat, PadRefused, Received


def test_hello_names_the_last_card_seen() -> None:
    session = Session("t")
    assert session.hello().last_seq == 0
    session.receive(card_message(7))
    session.receive(card_message(4, "other"))
    assert session.hello().last_seq == 7


def test_a_repeat_is_confirmed_but_not_shown() -> None:
    session = Session("t")
    first = session.receive(card_message(3))
    again = session.receive(card_message(3))
    assert (first.show is not None, first.ring) == (True, True)
    assert (again.show, again.ring, again.replies) == (None, False, (Received(3),))


def test_a_changed_card_is_shown_and_does_not_ring_again() -> None:
    session = Session("t")
    session.receive(card_message(3))
    changed = session.receive(card_message(4, photo="abc"))
    assert changed.show is not None
    assert not changed.ring


@pytest.mark.parametrize(("state", "answers"), [("open", 2), ("greeted", 1)])
def test_acknowledges_open_cards_only(state: Any, answers: int) -> None:
    replies = Session("t", acknowledge=True).receive(card_message(1, state=state)).replies
    assert len(replies) == answers
    assert (Acknowledge("card-1") in replies) == (state == "open")


def test_another_life_of_the_city_is_read_from_the_start() -> None:
    session = Session("t")
    session.receive(card_message(9))
    step = session.receive(welcome(head_seq=2))
    assert step.restart
    assert session.hello().last_seq == 0
    assert session.receive(card_message(1)).show is not None


def test_expired_token_ends_it_and_other_refusals_do_not() -> None:
    session = Session("t")
    assert session.receive(PadRefused("not_found", "No such card.", "e-1")).show is not None
    with pytest.raises(TokenExpired, match="e-2"):
        session.receive(PadRefused("not_authenticated", "Expired.", "e-2"))


def test_token_stays_out_of_repr() -> None:
    assert "secret-token" not in repr(Session("secret-token"))


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=40))
def test_delays_grow_to_ten_seconds_and_welcome_resets(randoms: list[float]) -> None:
    session = Session("t")
    for failures, random in enumerate(randoms):
        ceiling = min(LONGEST_DELAY_S, 0.5 * 2**failures)
        assert ceiling / 2 <= session.delay_s(random) <= ceiling
    session.receive(welcome())
    assert session.delay_s(0.5) <= 0.5


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 50)), max_size=60))
def test_every_card_shows_rising_seqs_and_rings_once(arrivals: list[tuple[int, int]]) -> None:
    session, shown, rung = Session("t"), dict[str, int](), list[str]()
    for who, seq in arrivals:
        step = session.receive(card_message(seq, f"card-{who}"))
        if step.show is not None:
            assert seq > shown.get(f"card-{who}", 0)
            shown[f"card-{who}"] = seq
        rung += [f"card-{who}"] * step.ring
    assert len(rung) == len(set(rung)) == len(shown)


def test_beats_pass_through() -> None:
    assert Session("t").receive(Beat(1, False)).show == Beat(1, False)
