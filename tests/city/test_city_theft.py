"""What a thief of a city's disk gets: nothing; with its keys, templates that link to nothing elsewhere (C8)."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from city_disk import folder_of, on_disk
from city_house import PASSPHRASE, House
from city_people import DIMENSION, face
from city_sockets import wait_for
from city_visitors import Visitors

from yingbin.galleries.code_index import CodeIndex
from yingbin.galleries.folder import WrongKey
from yingbin.galleries.protect import Vector, apply, encode_probe, random_transform
from yingbin.galleries.records import GalleryDamaged, RecordReader
from yingbin.galleries.sealed import SealedGallery
from yingbin.trust.keystore import FileKeyStore
from yingbin.wire import Outcome

CUSTOMERS = {f"customer-{seed}": face(seed) for seed in range(100, 160)}


@pytest.fixture
def robbed(house: House) -> House:
    """Run a city with many customers, recognise one, send one stranger by, and stop it."""
    for name, raw in CUSTOMERS.items():
        house.province.enrol(house.view(name, rm="rm-1"), raw, house.pack.pack_id)
    visitors = Visitors(house.ready_box())
    wait_for(lambda: visitors.sees(CUSTOMERS["customer-100"]) is Outcome.MATCHED)
    assert visitors.sees(999) is Outcome.NOT_ENROLLED
    house.stop()
    return house


def needles(vector: Vector) -> list[bytes]:
    """Return the traces a vector could leave: four consecutive numbers of it in any binary form, or its probe."""
    parts = [vector[start : start + 4] for start in range(0, len(vector), 4)]
    return [
        encode_probe(vector)[:16],
        *(part.astype(kind).tobytes() for part in parts for kind in ("<f2", "<f4", "<f8")),
    ]


def linking_auc(one: Vector, other: Vector) -> float:
    scores = one @ other.T
    different = np.sort(scores[~np.eye(len(one), dtype=bool)])
    return float(np.searchsorted(different, np.diagonal(scores)).mean() / len(different))


def test_C8_stolen_city_disk_holds_no_template_and_no_name(robbed: House) -> None:
    (_, r_box), r_city = robbed.boxes["box-1"], robbed.province.r_city
    transforms = (np.eye(DIMENSION, dtype=np.float32), r_box, r_city)
    people = [CUSTOMERS["customer-100"], CUSTOMERS["customer-159"], face(999)]
    traces = [trace for raw in people for transform in transforms for trace in needles(apply(transform, raw))]
    traces += [trace for transform in transforms[1:] for trace in needles(transform[0])]
    traces += ["张".encode(), "女士".encode(), "Ms".encode("utf-16-le"), b"West Lake"]
    files = [path for path in robbed.data.rglob("*") if path.is_file()]
    assert any(path.stat().st_size > 100_000 for path in files), "the replica is on that disk"
    for path in files:
        content = path.read_bytes()
        assert not [trace for trace in traces if trace in content], path


def test_C8_with_its_keys_a_stolen_city_disk_yields_templates_that_link_to_nothing_elsewhere(robbed: House) -> None:
    stolen, _ = on_disk(robbed)
    vectors = [stolen.vector_of(stolen.card_views[name]) for name in CUSTOMERS]
    at_city = np.stack([vector for vector in vectors if vector is not None])
    raw = np.stack(list(CUSTOMERS.values()))
    np.testing.assert_allclose(at_city, apply(robbed.province.r_city, raw), atol=1e-5)
    elsewhere = {"photos": raw} | {place: apply(random_transform(DIMENSION), raw) for place in ("city", "province")}
    for place, others in elsewhere.items():
        assert np.abs(np.sum(at_city * others, axis=1)).mean() < 2 / np.sqrt(DIMENSION), place
        assert 0.2 < linking_auc(at_city, others) < 0.8, place
    names = {view.surname for view in stolen.card_views.values()}
    assert names == {"张"}, "with its keys, a city's cards can be read: docs/security.md says so"


def test_with_a_box_besides_the_thief_has_the_citys_key_so_both_must_be_renewed(robbed: House) -> None:
    """Published in docs/security.md: each alone is of no use, and both together are."""
    _, r_box = robbed.boxes["box-1"]
    (to_city,) = on_disk(robbed)[0].boxes["box-1"].to_city.values()
    r_city = np.frombuffer(to_city, "<f4").reshape(DIMENSION, DIMENSION) @ r_box
    np.testing.assert_allclose(r_city, robbed.province.r_city, atol=1e-5)


def test_C8_a_copy_of_the_disk_opens_with_no_other_key(robbed: House, tmp_path: Path) -> None:
    files = [path for path in folder_of(robbed).iterdir() if path.name != "lock"]
    key_ids = {RecordReader(path).header().key_id for path in files}
    other = FileKeyStore(tmp_path / "other", PASSPHRASE)
    with pytest.raises(WrongKey):
        steal(robbed, other, tmp_path / "copy-1")
    for key_id in key_ids:
        other.put(key_id, bytes(32))
    with pytest.raises(GalleryDamaged):
        steal(robbed, other, tmp_path / "copy-2")


def steal(house: House, keys: FileKeyStore, target: Path) -> None:
    shutil.copytree(folder_of(house), target)
    index = CodeIndex(DIMENSION)
    SealedGallery(target, index, keys, name="replica", pack_id=house.pack.pack_id, dimension=DIMENSION)
