import time

import msgspec
import pytest
from city_house import CITY, PASSPHRASE, PIN, House
from city_pad import PadClient
from city_people import face
from websockets.sync.client import connect

from city_server import audience
from yingbin import feed_wire, pad_wire
from yingbin.errors import NotAllowed
from yingbin.pad_wire import Card, Sighting
from yingbin.trust.keystore import FileKeyStore
from yingbin.trust.staff import STAFF_TOKEN_TTL_S, Role, issue_staff_token


def signed(house: House, staff_id: str, role: Role, *, age_s: float = 0, audience: str = CITY) -> str:
    key = FileKeyStore(house.folder / "keystore", PASSPHRASE).get("city-staff-tokens")
    return issue_staff_token(key, f"yingbin-city:{audience}", staff_id, role, "branch-1", now_s=time.time() - age_s)


def refused_with(house: House, token: str) -> tuple[str, int | None]:
    with connect(f"ws://{house.address}/v1/pad") as socket:
        socket.send(pad_wire.encode(pad_wire.Hello(token, 0)))
        refused = pad_wire.decode_from_city(socket.recv(timeout=15))
        assert isinstance(refused, pad_wire.PadRefused), refused
        socket.recv_events_thread.join(15)
        return refused.code, socket.close_code


def test_tokens_that_are_expired_forged_or_for_others_are_refused(house: House) -> None:
    house.token("rm-1")
    for token in (
        "nonsense",
        signed(house, "rm-1", Role.RM, age_s=STAFF_TOKEN_TTL_S + 1),
        signed(house, "rm-1", Role.RM, audience="ningbo"),
        signed(house, "rm-1", Role.BRANCH_MANAGER),
        signed(house, "nobody", Role.RM),
        house.token("rm-1")[:-4] + "AAAA",
    ):
        assert refused_with(house, token) == ("not_authenticated", 4401)
    assert refused_with(house, signed(house, "guard-1", Role.SECURITY)) == ("not_allowed", 4403)


def test_a_token_that_ends_during_the_connection_ends_it(house: House) -> None:
    house.token("rm-1")
    pad = PadClient(house, signed(house, "rm-1", Role.RM, age_s=STAFF_TOKEN_TTL_S - 2))
    pad.next(pad_wire.Welcome)
    assert pad.next(pad_wire.PadRefused).code == "not_authenticated"
    assert pad.close_code() == 4401


def test_somebody_who_leaves_is_signed_out(house: House) -> None:
    pad = house.pad("rm-2")
    pad.next(pad_wire.Welcome)
    house.province.put(feed_wire.FeedKind.STAFF, "rm-2", None)
    assert pad.next(pad_wire.PadRefused).code == "not_authenticated"
    assert pad.close_code() == 4401


def test_signing_in_is_slowed_down_after_five_failures(house: House) -> None:
    house.token("rm-2")
    assert [house.sign_in("rm-1", "0000").status_code for _ in range(6)] == [401] * 5 + [429]
    assert house.sign_in("rm-1", PIN).status_code == 429
    assert house.sign_in("rm-2").status_code == 200
    assert house.sign_in("nobody").json()["detail"] == "staff id or PIN is wrong"
    assert house.sign_in("guard-1").status_code == 403


def test_malformed_messages_of_a_tablet(house: House) -> None:
    pad = house.pad("rm-1")
    pad.next(pad_wire.Welcome)
    for text in ("", "{}", "[" * 50, '{"type":"received","seq":"x"}'):
        pad.socket.send(text)
        assert pad.next(pad_wire.PadRefused).code == "bad_message"
    pad.socket.send("x" * (pad_wire.MAX_PAD_MESSAGE_BYTES + 1))
    assert pad.close_code() == 1003


def test_only_the_branch_and_only_whose_business_it_is(house: House) -> None:
    box = house.ready_box()
    others = [house.pad("rm-2"), house.pad("lobby-2")]
    mine = [house.pad(name) for name in ("rm-1", "lobby-1", "boss-1")]
    box.look(face(1), 1)
    assert [pad.card().ring for pad in mine] == [True, False, False]
    assert [pad.quiet() for pad in others] == [[], []]


def whole_card() -> Card:
    seen = Sighting("e", "c", "entrance", 1, 2)
    values = {
        field.name: {"recognised_by": "city", "first": seen, "last": seen, "state": "open"}.get(field.name, "x")
        for field in msgspec.structs.fields(Card)
    }
    return Card(**{**values, "branch_id": "b", "offers": (), "avoid": (), "refused_products": ()})


@pytest.mark.parametrize("role", list(Role))
def test_C13_roles_without_an_entry_get_nothing(role: Role) -> None:
    card = whole_card()
    greets = role in {Role.RM, Role.LOBBY, Role.BRANCH_MANAGER}
    assert audience.may_sign_in(role) is greets
    assert audience.sees(role, "x", "b", card, "") is greets
    assert not audience.sees(role, "x", "another-branch", card, "")
    if greets:
        assert audience.shown(role, card) == card
    else:
        with pytest.raises(NotAllowed):
            audience.shown(role, card)


def test_C13_a_field_that_is_not_listed_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "CARD_FIELDS", {Role.LOBBY: audience.CARD_FIELDS[Role.LOBBY] - {"surname", "photo"}})
    shown = audience.shown(Role.LOBBY, whole_card())
    assert (shown.surname, shown.photo, shown.tier) == ("", "", "x")
