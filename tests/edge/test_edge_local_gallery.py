"""The branch gallery on the box: pages in, who is searchable, the lease, and what lies sealed on tmpfs."""

import contextlib
import dataclasses
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import gallery_store
from edge.gallery_store import GalleryStore
from edge.local_gallery import GalleryDamaged, LocalGallery
from yingbin.galleries.protect import Vector, encode_template, normalise
from yingbin.local_wire import GalleryMember, GalleryPage, fingerprint, gallery_digest
from yingbin.trust.devices import DeviceKey
from yingbin.trust.seal import Sealer

DIMENSION = 16
LEASE_MS = 1_000_000


def unit(seed: int) -> Vector:
    return normalise(np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32))


def member(name: str, seed: int = 0, gallery: str = "vip") -> GalleryMember:
    return GalleryMember(name, gallery, encode_template(unit(seed or sum(name.encode()))))


def digest_of(members: Iterable[GalleryMember]) -> bytes:
    return gallery_digest({one.customer_id: fingerprint(one) for one in members})


def snapshot(*members: GalleryMember, lease_until_ms: int = LEASE_MS) -> GalleryPage:
    return GalleryPage(True, members, (), digest_of(members), lease_until_ms)


def found(gallery: LocalGallery, probe: Vector, galleries: tuple[str, ...] = ("vip",)) -> str:
    hit, _ = gallery.search(probe, galleries)
    return hit.customer_id if hit and hit.score > 0.99 else ""


@dataclasses.dataclass
class Boots:
    """One box, started again and again on one folder."""

    folder: Path
    key: DeviceKey

    def start(self, now_ms: int = 0, box_id: str = "box-1") -> LocalGallery:
        gallery = LocalGallery(GalleryStore(self.folder, Sealer(self.key.derive("gallery")), box_id), DIMENSION)
        gallery.restore(now_ms)
        return gallery

    @property
    def file(self) -> Path:
        return self.folder / "branch.gallery"


@pytest.fixture
def boots(outbox_folder: Path) -> Boots:
    outbox_folder.mkdir(mode=0o700)
    return Boots(outbox_folder, DeviceKey.generate())


@pytest.fixture
def gallery(boots: Boots) -> LocalGallery:
    one = boots.start()
    one.connected()
    return one


def test_a_snapshot_in_pages_counts_with_its_last_page_and_changes_follow(gallery: LocalGallery) -> None:
    a, b, c = member("a"), member("b"), member("c")
    gallery.take(GalleryPage(True, (a,), (), b"", 0))
    assert (len(gallery), gallery.gate.is_open(0)) == (0, False)
    gallery.take(GalleryPage(False, (b,), (), digest_of([a, b]), LEASE_MS))
    assert gallery.gate.is_open(0)
    assert found(gallery, unit(sum(b"a"))) == "a"
    gallery.take(GalleryPage(False, (c,), ("a",), digest_of([b, c]), LEASE_MS))
    assert [found(gallery, unit(sum(name))) for name in (b"a", b"b", b"c")] == ["", "b", "c"]
    newer = member("b", seed=77)
    gallery.take(GalleryPage(False, (newer,), (), digest_of([newer, c]), LEASE_MS))
    assert (found(gallery, unit(sum(b"b"))), found(gallery, unit(77))) == ("", "b")
    gallery.take(snapshot(c))
    assert (len(gallery), gallery.digest) == (1, digest_of([c]))


def test_C3_a_camera_searches_its_own_galleries_only_and_pays_for_those(gallery: LocalGallery) -> None:
    gallery.take(snapshot(member("a"), member("b"), member("p", gallery="potential")))
    assert gallery.search(unit(1), ("vip",))[1] == 2
    assert gallery.search(unit(1), ("vip", "potential"))[1] == 3
    assert found(gallery, unit(sum(b"p"))) == ""
    assert found(gallery, unit(sum(b"p")), ("potential",)) == "p"
    assert (gallery.holds("p", ("vip",)), gallery.holds("p", ("potential",)), gallery.holds("x", ("vip",))) == (
        False,
        True,
        False,
    )
    moved = member("p", gallery="vip")
    gallery.take(GalleryPage(False, (moved,), (), digest_of([member("a"), member("b"), moved]), LEASE_MS))
    assert found(gallery, unit(sum(b"p")), ("potential",)) == ""
    assert found(gallery, unit(sum(b"p"))) == "p"


def test_C5_after_a_return_nothing_is_searched_until_the_city_says_that_no_change_waits(gallery: LocalGallery) -> None:
    gallery.take(snapshot(member("a")))
    gallery.disconnected()
    assert gallery.gate.is_open(LEASE_MS - 1), "the line is down and the lease runs"
    assert not gallery.gate.is_open(LEASE_MS)
    gallery.connected()
    assert not gallery.gate.is_open(0)
    gallery.disconnected()
    assert not gallery.gate.is_open(0), "changes may wait, whatever the line does"
    gallery.connected()
    gallery.take(GalleryPage(False, (), (), digest_of([member("a")]), LEASE_MS))
    assert gallery.gate.is_open(0)
    gallery.take(GalleryPage(False, (), (), b"", 0))
    assert not gallery.gate.is_open(0), "the city itself may not search"


def test_a_snapshot_that_was_cut_off_leaves_no_trace_in_the_next(gallery: LocalGallery) -> None:
    gallery.take(snapshot(member("a")))
    gallery.take(GalleryPage(True, (member("b"),), (), b"", 0))
    gallery.disconnected()
    gallery.connected()
    gallery.take(GalleryPage(False, (), (), digest_of([member("a")]), LEASE_MS))
    assert (len(gallery), gallery.gate.is_open(0)) == (1, True)


@pytest.mark.parametrize(
    "page",
    [
        GalleryPage(False, (member("b"),), (), digest_of([member("b")]), LEASE_MS),
        GalleryPage(False, (), ("a",), digest_of([member("a")]), LEASE_MS),
        GalleryPage(True, (), (), b"\0" * 32, LEASE_MS),
        snapshot(GalleryMember("b", "vip", b"\0" * 4 * DIMENSION)),
        snapshot(GalleryMember("b", "vip", b"\0\0\x80\x3f")),
    ],
    ids=["misses a member", "removed too much", "wrong digest", "zero vector", "wrong size"],
)
def test_what_does_not_add_up_is_forgotten_whole(gallery: LocalGallery, boots: Boots, page: GalleryPage) -> None:
    gallery.take(snapshot(member("a")))
    with pytest.raises(GalleryDamaged):
        gallery.take(page)
    assert (len(gallery), gallery.digest, gallery.gate.is_open(0)) == (0, b"", False)
    assert gallery.search(unit(sum(b"a")), ("vip",)) == (None, 0)
    assert not boots.file.exists()
    gallery.take(snapshot(member("a")))
    assert found(gallery, unit(sum(b"a"))) == "a"


NAMES = st.sampled_from("abcdef")
STEPS = st.lists(st.tuples(st.dictionaries(NAMES, st.integers(1, 9)), st.sets(NAMES), st.booleans()), max_size=12)


@given(STEPS)
def test_whatever_the_pages_the_index_holds_what_the_digest_says(
    steps: list[tuple[dict[str, int], set[str], bool]],
) -> None:
    class Nowhere(GalleryStore):
        def __init__(self) -> None: ...
        def save(self, *_: object) -> None: ...
        def remove(self) -> None: ...

    gallery, truth = LocalGallery(Nowhere(), DIMENSION), dict[str, GalleryMember]()
    for changed, removed, whole in steps:
        members = tuple(member(name, seed) for name, seed in changed.items())
        truth = {} if whole else truth
        truth.update({one.customer_id: one for one in members})
        for name in removed:
            truth.pop(name, None)
        gallery.take(GalleryPage(whole, members, tuple(removed), digest_of(truth.values()), LEASE_MS))
        assert gallery.digest == digest_of(truth.values())
        assert gallery.search(unit(1), ("vip",))[1] == len(truth)
        for one in truth.values():
            score = gallery.search(np.frombuffer(one.vector, "<f4"), ("vip",))[0]
            assert score
            assert score.score == pytest.approx(1.0, abs=1e-5)


def test_it_is_there_again_after_a_crash_and_must_be_confirmed_before_it_is_searched(boots: Boots) -> None:
    gallery = boots.start()
    gallery.take(snapshot(member("a"), member("b")))
    gallery.take(GalleryPage(False, (), ("b",), digest_of([member("a")]), LEASE_MS))
    again = boots.start(LEASE_MS - 1)
    assert (len(again), again.digest) == (1, digest_of([member("a")]))
    again.connected()
    assert not again.gate.is_open(0)
    again.take(GalleryPage(False, (), (), digest_of([member("a")]), LEASE_MS))
    assert (again.gate.is_open(0), found(again, unit(sum(b"a")))) == (True, "a")


def test_C5_a_kept_gallery_whose_lease_has_ended_is_deleted_unread(boots: Boots) -> None:
    boots.start().take(snapshot(member("a")))
    assert len(boots.start(LEASE_MS)) == 0
    assert not boots.file.exists()


def test_C8_the_file_says_nothing_without_the_boxs_key(boots: Boots) -> None:
    boots.start().take(snapshot(member("a", seed=5)))
    raw, vector = boots.file.read_bytes(), encode_template(unit(5))
    assert boots.file.stat().st_mode & 0o777 == 0o600
    assert not any(vector[at : at + 4] in raw for at in range(len(vector) - 3))
    assert b"vip" not in raw
    boots.key, key = DeviceKey.generate(), boots.key
    assert len(boots.start()) == 0
    assert not boots.file.exists()
    boots.key = key
    boots.file.write_bytes(raw)
    assert len(boots.start(box_id="box-2")) == 0
    boots.file.write_bytes(raw)
    assert len(boots.start()) == 1


def damages(raw: bytes) -> Iterable[bytes]:
    yield b""
    yield from (raw[:size] for size in (1, 11, 12, 28, len(raw) // 2, len(raw) - 1))
    yield raw + b"\0"
    for at in range(0, len(raw), 7):
        yield raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def test_C8_a_damaged_or_truncated_file_is_dropped_and_never_half_used(boots: Boots) -> None:
    boots.start().take(snapshot(member("a"), member("b")))
    for damaged in list(damages(boots.file.read_bytes())):
        boots.file.write_bytes(damaged)
        gallery = boots.start()
        assert (len(gallery), gallery.digest) == (0, b"")
        assert not boots.file.exists()


def test_a_file_sealed_by_us_that_holds_something_else_is_dropped_too(boots: Boots) -> None:
    sealer = Sealer(boots.key.derive("gallery"))
    bad = GalleryMember("a", "vip", b"\0" * 8)
    for content in (b"\xc1", msgspec.msgpack.encode([1]), msgspec.msgpack.encode((LEASE_MS, [bad]))):
        boots.file.write_bytes(sealer.seal(content, "gallery/box-1"))
        gallery = LocalGallery(GalleryStore(boots.folder, sealer, "box-1"), DIMENSION)
        with contextlib.suppress(GalleryDamaged):
            gallery.restore(0)
        assert (len(gallery), gallery.digest) == (0, b"")
        assert not boots.file.exists()


def test_a_full_tmpfs_costs_only_what_a_crash_would(boots: Boots, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = boots.start()
    gallery.take(snapshot(member("a")))

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(gallery_store.os, "open", full)
        gallery.take(GalleryPage(False, (), ("a",), digest_of([]), LEASE_MS))
    assert gallery.gate.is_open(0)
    assert list(boots.folder.iterdir()) == [], "an older state than the one in force must not come back"


def test_forgetting_leaves_nothing(gallery: LocalGallery, boots: Boots) -> None:
    gallery.take(snapshot(member("a")))
    gallery.forget()
    assert (len(gallery), gallery.digest, list(boots.folder.iterdir())) == (0, b"", [])
    assert not gallery.gate.is_open(0)
