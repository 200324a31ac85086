"""The audit trail of a city (C12): who was matched, who saw it and what he did; and its heads at the province."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from city_house import CITY, PASSPHRASE, House
from city_people import face
from city_sockets import wait_for
from pydantic import ValidationError

from city_server.settings import CitySettings
from yingbin import pad_wire
from yingbin.ids import now_ms
from yingbin.storage import migrate
from yingbin.storage.database import Database
from yingbin.trust.audit.chains import city_ledger
from yingbin.trust.audit.ledger import RETENTION_DAYS, Ledger
from yingbin.trust.audit.record import Entry, Head, Record, is_signed, sign
from yingbin.trust.devices import DeviceKey
from yingbin.trust.keystore import FileKeyStore


class Trail:
    """The trail of a house's city, read beside it."""

    def __init__(self, house: House) -> None:
        keystore = FileKeyStore(house.folder / "keystore", PASSPHRASE)
        self.ledger: Ledger = city_ledger(CITY, DeviceKey.load(house.folder / "city.key"), keystore)
        self.database = Database(house.settings()["database_url"])

    def records(self) -> list[Record]:
        with self.database.read() as session:
            checker = self.ledger.checker(session)
            found = list(self.ledger.records(session))
            checker.follow(found)
            assert checker.finish(self.ledger.head(session)) is None
        return [record for record, _ in found]

    def actions(self, of: str = "") -> list[str]:
        skipped = {"gallery_changed", "sign_in"}
        return [one.action for one in self.records() if one.action not in skipped and of in {"", one.actor_kind}]

    def named(self, kind: str, identifier: str) -> str:
        return self.ledger.pseudonyms.of(kind, identifier)


def details(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.details)
    return found


def test_C12_a_visit_is_recorded_from_match_to_outcome(house: House) -> None:
    box, pad, trail = house.ready_box(), house.pad("rm-1"), Trail(house)
    box.look(face(1), 1)
    card = pad.card().card
    box.look(face(1), 1, seq=1)
    pad.card()
    pad.send(pad_wire.Acknowledge(card.card_id))
    pad.card()
    pad.send(pad_wire.ConfirmIdentity(card.card_id))
    assert pad.next(pad_wire.Portrait).available
    pad.send(pad_wire.ReportOutcome("o-1", card.card_id, "greeted"))
    pad.next(pad_wire.OutcomeStored)
    assert trail.actions() == [
        "matched", "card_shown", "card_acknowledged", "identity_confirmed", "portrait_requested", "outcome",
    ]  # fmt: skip
    matched, shown, *rest = (one for one in trail.records() if one.object_kind == "customer")
    assert (matched.actor_kind, details(matched)["card"], details(matched)["found_by"]) == ("box", card.card_id, "city")
    assert {one.object_id for one in (matched, shown, *rest)} == {trail.named("customer", "zhang")}
    assert {(one.actor_id, one.role) for one in (shown, *rest)} == {(trail.named("staff", "rm-1"), "rm")}
    assert house.province.portraits == [("zhang", "rm-1")]


def test_C12_everybody_who_is_shown_a_card_is_named_once(house: House) -> None:
    box, trail = house.ready_box(), Trail(house)
    box.look(face(1), 1)
    pads = [house.pad(name) for name in ("rm-1", "lobby-1")]
    for pad in pads:
        pad.card()
    box.look(face(1), 2)
    for pad in pads:
        pad.card()
    shown = [one for one in trail.records() if one.action == "card_shown"]
    assert sorted(one.role for one in shown) == ["lobby", "rm"]


def test_C12_a_wrong_person_is_recorded_as_rejected(house: House) -> None:
    box, pad, trail = house.ready_box(), house.pad("rm-1"), Trail(house)
    box.look(face(1), 1)
    card = pad.card().card
    pad.send(pad_wire.ReportOutcome("o-1", card.card_id, "wrong_person"))
    pad.next(pad_wire.OutcomeStored)
    assert trail.actions("staff")[-1] == "identity_rejected"


def test_C12_C2_a_stranger_leaves_nothing_in_the_trail(house: House) -> None:
    box, trail = house.ready_box(), Trail(house)
    for seq in range(3):
        box.look(face(99), 1, seq)
    assert trail.actions() == []


def test_C12_signing_in_and_refused_boxes_are_recorded(house: House) -> None:
    house.token("rm-1")
    trail = Trail(house)
    assert house.sign_in("rm-1", "000000").status_code == 401
    assert house.sign_in("guard-1").status_code == 403
    sign_ins = [(one.actor_id, one.outcome) for one in trail.records() if one.action == "sign_in"]
    assert sign_ins[-2:] == [(trail.named("staff", "rm-1"), "refused"), (trail.named("staff", "guard-1"), "refused")]
    assert (trail.named("staff", "rm-1"), "done") in sign_ins
    box = house.ready_box("box-2")
    house.put_box("box-2", revoked=True)
    wait_for(lambda: "connect" in trail.actions("box"))
    refused = next(one for one in trail.records() if one.action == "connect")
    assert (refused.actor_id, refused.outcome, details(refused)) == ("box-2", "refused", {"code": "box_revoked"})
    box.close()


def test_C12_a_gallery_change_is_recorded(house: House) -> None:
    trail = Trail(house)
    house.ready_box()  # let in as soon as the page is in memory, which is before it is recorded and kept
    changed = wait_for(lambda: [one for one in trail.records() if one.action == "gallery_changed"])
    assert sum(details(one)["changed"] for one in changed) == 4  # two customers, a card view and a template each


def test_C12_records_hold_no_name_and_no_id_of_a_person(house: House) -> None:
    box, pad, trail = house.ready_box(), house.pad("rm-1"), Trail(house)
    box.look(face(1), 1)
    pad.card()
    everything = repr(trail.records())
    for canary in ("张", "zhang", "rm-1", "RM-1", "gold"):
        assert canary not in everything, canary


def test_C18_the_trail_is_cut_at_its_limit_and_still_verifies(open_house: Callable[..., House]) -> None:
    house = open_house(started=False)
    trail = Trail(house)
    migrate.upgrade(trail.database, migrate.Tree.CITY)
    past_ms = now_ms() - (RETENTION_DAYS + 1) * 86_400_000
    with pytest.MonkeyPatch.context() as patch, trail.database.write() as session:
        patch.setattr("yingbin.trust.audit.ledger.now_ms", lambda: past_ms)
        trail.ledger.append(session, [Entry("box:box-1", "box", "connect") for _ in range(4)])
    house.start()
    wait_for(lambda: "audit_cut" in trail.actions())
    assert sum(one.at_ms == past_ms for one in trail.records()) <= 1, "the newest of all always stays"


def test_C18_a_city_keeps_its_trail_five_years_at_least(house: House) -> None:
    with pytest.raises(ValidationError, match="audit_retention_days"):
        CitySettings(**{**house.settings(), "audit_retention_days": 1826})


# --- heads at the province


def test_C12_the_head_goes_to_the_province_every_interval_and_at_the_end(open_house: Callable[..., House]) -> None:
    house = open_house(audit_anchor_interval_s=0.2)
    box = house.ready_box()
    wait_for(lambda: house.province.heads)
    box.look(face(1), 1)
    house.stop()
    trail = Trail(house)
    last = house.province.heads[-1]
    with trail.database.read() as session:
        assert last.head == trail.ledger.head(session)
    assert is_signed(last, DeviceKey.load(house.folder / "city.key").public_bytes)


def test_C12_a_city_that_lost_its_tail_is_told_by_the_province(
    open_house: Callable[..., House], capfd: pytest.CaptureFixture[str]
) -> None:
    house = open_house(audit_anchor_interval_s=0.2)
    house.ready_box()
    key = DeviceKey.load(house.folder / "city.key")
    house.province.kept_heads.append(sign(Head(CITY, 1000, bytes(32), 1), key))
    said = ""

    def alarm() -> bool:
        nonlocal said
        said += "".join(capfd.readouterr())
        return "audit_trail_broken" in said and "truncated" in said

    wait_for(alarm)


def test_C12_the_command_verifies_exports_and_names_the_first_bad_record(
    open_house: Callable[..., House], tmp_path: Path
) -> None:
    house = open_house()
    box, pad = house.ready_box(), house.pad("rm-1")
    box.look(face(1), 1)
    pad.card()
    house.stop()
    config = tmp_path / "city.toml"
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in house.settings().items()))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; from yingbin.trust.audit.cli import app; app(sys.argv[1:])"
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"}
        )

    whole = run("verify", f"--config={config}", "--json")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert json.loads(whole.stdout.splitlines()[-1])["faults"] == []
    export = tmp_path / "trail.csv"
    assert run("export", f"--config={config}", f"--output={export}").returncode == 0
    assert [one.action for one in Trail(house).records()][-1] == "audit_export"
    off_line = run("verify", f"--file={export}")
    assert off_line.returncode == 0, off_line.stdout + off_line.stderr
    export.write_text(export.read_text().replace("matched", "mislaid", 1))
    assert "was changed" in run("verify", f"--file={export}").stdout
    seen = Trail(house)
    assert run("pseudonym", "customer", "zhang", f"--config={config}").stdout.strip() == seen.named("customer", "zhang")
    with seen.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_records_delete")
        connection.exec_driver_sql("DELETE FROM audit_records WHERE seq = 2")
    broken = run("verify", f"--config={config}")
    assert broken.returncode == 1
    assert f"{CITY}, record 2: 2 is missing" in broken.stdout
