"""A backup brings nobody back who withdrew after it was made (C5)."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from programmes import NOBODY_HELD_OUT
from province_harness import YEAR_MS, StandInReader, World
from pydantic import SecretStr
from sqlalchemy import select

from province_server.app import Province, Stores, build
from province_server.erasures import Erasure, ErasureLog
from province_server.keys import city_key
from province_server.settings import ProvinceSettings
from yingbin.errors import BadConfiguration
from yingbin.ids import now_ms
from yingbin.storage.lifecycle import ReceiptRow
from yingbin.storage.province import ConsentRow, CustomerRow, TemplateLink
from yingbin.storage.templates import TemplateRow, WatchTemplateRow
from yingbin.storage.watch import WatchEntryRow
from yingbin.trust.consent import Gallery
from yingbin.trust.staff import Role

KEY = b"k" * 32


@pytest.fixture
def bank(world: World) -> World:
    for who in ("stays", "withdraws", "is-erased"):
        world.enrolled(who, world.branch_a)
    return world


def back_up(world: World, *names: str) -> None:
    for name in names:
        with (
            sqlite3.connect(world.folder / f"{name}.db") as source,
            sqlite3.connect(world.folder / f"{name}.backup") as target,
        ):
            source.backup(target)


def withdraw_two(world: World) -> None:
    assert world.withdraw("withdraws", "vip_service").status_code == 204
    assert world.call("DELETE", "customers/is-erased").status_code == 204


@pytest.fixture
def restored(settings: ProvinceSettings, tmp_path: Path) -> Iterator[Callable[..., Province]]:
    """Return a function that puts backups in place of stores and starts a province on them."""
    started: list[Province] = []

    def start(*names: str) -> Province:
        urls = {}
        for name, setting in (("identity", "database_url"), ("templates", "templates_database_url")):
            source = tmp_path / f"{name}.{'backup' if name in names else 'db'}"
            target = tmp_path / f"{name}-restored.db"
            with sqlite3.connect(source) as there, sqlite3.connect(target) as here:
                there.backup(here)
            urls[setting] = f"sqlite:///{target}"
        again = settings.model_copy(update=urls)
        started.append(build(again, Stores.open(again), StandInReader()))
        return started[-1]

    yield start
    for province in started:
        province.stores.close()


def searchable(province: Province) -> set[str]:
    with province.stores.identity.read() as session:
        linked = set(session.scalars(select(TemplateLink.customer_id).where(TemplateLink.state == "linked")))
    assert province.galleries.count(list(Gallery)) == len(linked)
    return linked


@pytest.mark.parametrize("names", [("identity", "templates"), ("templates",)])
def test_C5_restored_backup_matches_nobody_who_withdrew(
    bank: World, restored: Callable[..., Province], names: tuple[str, ...]
) -> None:
    back_up(bank, *names)
    withdraw_two(bank)
    province = restored(*names)
    assert searchable(province) == {"stays"}
    with province.stores.identity.read() as session:
        assert session.get(CustomerRow, "is-erased") is None
        in_force = session.scalars(select(ConsentRow).where(ConsentRow.withdrawn_at_ms.is_(None))).all()
        assert ("withdraws", "vip_service") not in {(row.customer_id, row.purpose) for row in in_force}
        assert "is-erased" not in {row.customer_id for row in in_force}
        keys = {link.subject_id: link.key_sealed for link in session.scalars(select(TemplateLink))}
    with province.stores.templates.read() as session:
        unreadable = [row for row in session.scalars(select(TemplateRow)) if not keys.get(row.subject_id)]
    assert len(unreadable) == (2 if names == ("templates",) else 0)


def test_C5_restored_backup_of_before_enrolment_needs_nothing(world: World, restored: Callable[..., Province]) -> None:
    back_up(world, "identity", "templates")
    for who in ("withdraws", "is-erased"):
        world.enrolled(who, world.branch_a)
    withdraw_two(world)
    assert searchable(restored("identity", "templates")) == set()


def test_C5_a_restore_is_carried_out_once_and_cities_begin_anew(bank: World, restored: Callable[..., Province]) -> None:
    """What cities hold may be of a history that the restored province does not know."""
    city = city_key(bank.a.city_id)
    before = bank.province.keys.domains(city)
    back_up(bank, "identity", "templates")
    withdraw_two(bank)
    first = restored("identity", "templates")
    after = first.keys.domains(city)
    assert after != before
    second = build_on(first)
    assert searchable(second) == {"stays"}
    assert second.keys.domains(city) == after
    second.stores.close()


def build_on(province: Province) -> Province:
    """Start another province on the databases of one, which ends."""
    province.stores.close()
    folder = Path(str(province.stores.identity.engine.url.database)).parent
    settings = ProvinceSettings(
        database_url=str(province.stores.identity.engine.url),
        templates_database_url=str(province.stores.templates.engine.url),
        keystore_file=folder / "keys",
        keystore_passphrase=SecretStr("correct horse"),
        programme_file=NOBODY_HELD_OUT,
    )
    return build(settings, Stores.open(settings), StandInReader())


def test_C5_log_of_erasures_older_than_the_database_stops_the_start(
    bank: World, restored: Callable[..., Province], settings: ProvinceSettings
) -> None:
    log = settings.keystore_file.with_name("keys.erasures")
    early = log.read_bytes()
    withdraw_two(bank)
    log.write_bytes(early)
    with pytest.raises(BadConfiguration, match="newest copy"):
        restored()


def test_C5_a_restored_backup_brings_back_no_watch_entry_and_knows_the_receipts_again(
    bank: World, restored: Callable[..., Province]
) -> None:
    officer = Role.SECURITY_OFFICER
    data = {"document_number": "17", "issuer": "x", "subject": "y", "valid_until_ms": now_ms() + YEAR_MS // 2}
    made = bank.call("POST", "watch/police/entries", officer, files={"photo": ("p.jpg", b"p")}, data=data).json()
    back_up(bank, "identity", "templates")
    path = f"watch/police/entries/{made['entry_id']}/end"
    assert bank.call("POST", path, officer, json={"reason": "order withdrawn"}).status_code == 200
    receipts = {
        bank.withdraw("withdraws", "vip_service").headers["location"].rpartition("/")[2],
        bank.call("DELETE", "customers/is-erased").headers["location"].rpartition("/")[2],
    }
    province = restored("identity", "templates")
    with province.stores.identity.read() as session:
        entry = session.get_one(WatchEntryRow, made["entry_id"])
        assert (entry.state, entry.key_sealed, entry.subject_sealed) == ("removed", b"", b"")
        assert set(session.scalars(select(ReceiptRow.receipt_id))) == receipts
    with province.stores.templates.read() as session:
        assert session.scalars(select(WatchTemplateRow)).all() == []


def test_C5_log_of_erasures_names_nobody(bank: World, settings: ProvinceSettings) -> None:
    withdraw_two(bank)
    log = settings.keystore_file.with_name("keys.erasures")
    assert log.stat().st_mode & 0o077 == 0
    assert len(log.read_bytes().splitlines()) == 2
    assert b"withdraws" not in log.read_bytes()


def test_log_of_erasures_survives_a_torn_line_and_refuses_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "erasures"
    log = ErasureLog(path, KEY)
    assert [log.append(Erasure("a", "marketing")), log.append(Erasure("b"))] == [1, 2]
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b"torn by a cra")
    assert list(ErasureLog(path, KEY).after(1)) == [(2, Erasure("b"))]
    assert path.read_bytes() == whole
    first, second = whole.splitlines(keepends=True)
    for damaged in (second + first, second, first[:-5] + b"AAAA\n" + second):
        path.write_bytes(damaged)
        with pytest.raises(BadConfiguration, match="line 1"):
            ErasureLog(path, KEY)
    path.write_bytes(whole)
    with pytest.raises(BadConfiguration, match="another key store"):
        ErasureLog(path, b"x" * 32)


def test_a_withdrawal_that_cannot_be_logged_is_not_acknowledged(
    bank: World, settings: ProvinceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        reply = bank.withdraw("withdraws", "vip_service")
    assert (reply.status_code, reply.json()["type"]) == (507, "urn:yingbin:storage_full")
    assert bank.found("withdraws") == "withdraws"
    assert settings.keystore_file.with_name("keys.erasures").read_bytes() == b""
    withdraw_two(bank)
    assert bank.found("withdraws") is None
