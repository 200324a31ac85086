"""A start reads the galleries from their folder; whatever that holds, the stores decide who is found (C5)."""

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from province_harness import StandInReader, World, vector_of

from province_server.app import Province, Stores, build
from province_server.keys import PROVINCE, Keys
from province_server.settings import ProvinceSettings
from yingbin.errors import NotFound
from yingbin.galleries import protect
from yingbin.galleries.folder_files import GalleryInUse
from yingbin.galleries.records import RecordReader, RecordWriter
from yingbin.trust.consent import Gallery
from yingbin.trust.keystore import FileKeyStore

PEOPLE = ("ann", "bo", "cy")


@pytest.fixture
def bank(world: World) -> World:
    for who in PEOPLE:
        world.enrolled(who, world.branch_a)
    return world


@pytest.fixture
def restarted(bank: World, settings: ProvinceSettings) -> Iterator[Callable[[], Province]]:
    """Return a function that ends the province and starts another on the same disk."""
    running = [bank.province]

    def restart() -> Province:
        running[-1].stores.close()
        running.append(build(settings, Stores.open(settings), StandInReader()))
        return running[-1]

    yield restart
    running[-1].stores.close()


def found(province: Province, *names: str) -> set[str]:
    """Return who of these is found by his own photo."""
    domain = province.galleries.domain
    probes = np.stack([protect.apply(domain.transform, vector_of(name.encode())) for name in names])
    hits = province.galleries.search(list(Gallery), probes, domain).hits
    return {hit.customer_id for name, hit in zip(names, hits, strict=True) if hit and hit.customer_id == name}


def opened_rows(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the key ids of the rows that are opened from now on."""
    opened: list[str] = []
    real = Keys.open_vector

    def counted(self: Keys, key_id: str, key_sealed: bytes, vector_sealed: bytes) -> protect.Vector:
        opened.append(key_id)
        return real(self, key_id, key_sealed, vector_sealed)

    monkeypatch.setattr(Keys, "open_vector", counted)
    return opened


def test_a_start_opens_no_row_that_the_folder_has(
    restarted: Callable[[], Province], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = opened_rows(monkeypatch)
    assert found(restarted(), *PEOPLE) == set(PEOPLE)
    assert opened == []


def test_C5_an_old_copy_of_the_folder_finds_nobody_who_withdrew_and_everybody_who_came(
    bank: World, settings: ProvinceSettings, restarted: Callable[[], Province], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    shutil.copytree(settings.galleries, tmp_path / "copy")
    assert bank.withdraw("bo", "vip_service").status_code == 204
    bank.enrolled("dee", bank.branch_a)
    bank.province.stores.close()
    shutil.rmtree(settings.galleries)
    shutil.copytree(tmp_path / "copy", settings.galleries)
    opened = opened_rows(monkeypatch)
    again = restarted()
    assert found(again, *PEOPLE, "dee") == {"ann", "cy", "dee"}
    assert again.galleries.count(list(Gallery)) == 3
    assert len(opened) == 1


@pytest.mark.parametrize("what", ["damaged", "gone", "of an epoch whose key was destroyed"])
def test_a_folder_that_cannot_be_used_is_made_anew_from_the_stores(
    bank: World, settings: ProvinceSettings, restarted: Callable[[], Province], what: str, tmp_path: Path
) -> None:
    shutil.copytree(settings.galleries, tmp_path / "copy")
    bank.province.stores.galleries.reseal(0)
    bank.province.stores.close()
    (snapshot,) = settings.galleries.glob("*/vip/snapshot-*")
    match what:
        case "damaged":
            snapshot.write_bytes(snapshot.read_bytes()[:-30] + bytes(30))
        case "gone":
            shutil.rmtree(settings.galleries)
        case _:
            shutil.rmtree(settings.galleries)
            shutil.copytree(tmp_path / "copy", settings.galleries)
    again = restarted()
    assert found(again, *PEOPLE) == set(PEOPLE)
    assert (snapshot.parent.with_name("vip.aside")).exists() == (what != "gone")
    again.stores.galleries.reseal(0)
    assert not snapshot.parent.with_name("vip.aside").exists()


def test_a_full_disk_of_the_folder_stops_nobody(
    bank: World, restarted: Callable[[], Province], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RecordWriter, "_write", _no_room)
        bank.enrolled("dee", bank.branch_a)
        assert bank.withdraw("bo", "vip_service").status_code == 204
        assert found(bank.province, *PEOPLE, "dee") == {"ann", "cy", "dee"}
        assert bank.province.galleries.count(list(Gallery)) == 3
    assert found(restarted(), *PEOPLE, "dee") == {"ann", "cy", "dee"}


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no space left")


def test_C5_a_new_key_every_day_and_none_of_the_last(bank: World, settings: ProvinceSettings) -> None:
    def key_ids() -> set[str]:
        files = [path for path in settings.galleries.rglob("*-0*") if path.is_file()]
        return {RecordReader(path).header().key_id for path in files}

    first = key_ids()
    bank.province.stores.galleries.reseal(60_000)
    assert key_ids() == first
    bank.province.stores.galleries.reseal(0)
    assert not key_ids() & first
    secrets = FileKeyStore(settings.keystore_file, settings.keystore_passphrase.get_secret_value())
    assert all(secrets.get(key_id) for key_id in key_ids())
    for key_id in first:
        with pytest.raises(NotFound):
            secrets.get(key_id)


def test_a_second_province_on_the_same_folder_is_refused(bank: World, settings: ProvinceSettings) -> None:
    stores = Stores.open(settings)
    with pytest.raises(GalleryInUse, match="another process"):
        build(settings, stores, StandInReader())
    stores.close()
    assert bank.found("ann") == "ann"


def test_C8_renewal_leaves_no_gallery_of_the_old_domain(bank: World, settings: ProvinceSettings) -> None:
    before = domains_on_disk(settings)
    assert bank.call("POST", "renewals/province").status_code == 202
    deadline = time.monotonic() + 20
    while domains_on_disk(settings) & before:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert domains_on_disk(settings) == {bank.province.keys.domains(PROVINCE)[0].key_id}
    assert found(bank.province, *PEOPLE) == set(PEOPLE)


def domains_on_disk(settings: ProvinceSettings) -> set[str]:
    return {path.name for path in settings.galleries.iterdir()}
