"""A gallery in milvus-lite: the suite for every index; and one process a folder, which begins empty."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_suite import DIMENSION, IndexSuite, NewIndex, steps, units, uuid
from pydantic import SecretStr

from province_server.app import Stores, build
from province_server.settings import ProvinceSettings
from yingbin.errors import BadConfiguration
from yingbin.faces.enrolment import Acquired
from yingbin.faces.scores import ScoreModel
from yingbin.galleries.folder_files import GalleryInUse
from yingbin.galleries.milvus_index import MilvusFailed, MilvusFolder
from yingbin.trust.consent import Gallery

pytestmark = pytest.mark.services
VECTORS = units(40, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusFolder]:
    opened = MilvusFolder(tmp_path_factory.mktemp("milvus"))
    yield opened
    opened.close()


class TestMilvusIndex(IndexSuite):
    # Fewer examples: pymilvus waits half a second for each new collection.
    test_any_sequence_of_changes_agrees_with_the_oracle = settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )(
        given(taken=steps, seed=st.integers(0, 1000))(
            IndexSuite.test_any_sequence_of_changes_agrees_with_the_oracle.hypothesis.inner_test  # type: ignore[attr-defined]
        )
    )

    @pytest.fixture
    def new_index(self, folder: MilvusFolder) -> NewIndex:
        return folder.index


def test_C5_whoever_is_removed_is_not_found_a_moment_later(folder: MilvusFolder) -> None:
    index = folder.index(DIMENSION)
    people = range(40)
    index.add_many([uuid(n + 1) for n in people], [uuid(100 + n) for n in people], VECTORS)
    for number in people:
        index.remove_customer(uuid(100 + number))
        (hit,) = index.search(VECTORS[number][None, :])
        assert hit is None or hit.customer_id != uuid(100 + number)


def test_C5_a_restart_brings_no_template_back(tmp_path: Path) -> None:
    folder = MilvusFolder(tmp_path)
    folder.index(DIMENSION).add(uuid(1), uuid(101), VECTORS[0])
    folder.close()
    again = MilvusFolder(tmp_path)
    assert again.index(DIMENSION).search(VECTORS[:1]) == [None]
    again.close()
    assert not any(VECTORS[0].tobytes() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_an_index_that_nobody_needs_leaves_no_rows_behind(folder: MilvusFolder) -> None:
    """As after the province's key was renewed: the galleries of the old domain are let go."""
    before = set(folder._client.list_collections())
    index = folder.index(DIMENSION)
    assert len(set(folder._client.list_collections()) - before) == 1
    del index
    assert set(folder._client.list_collections()) <= before


def test_an_id_is_never_an_expression(folder: MilvusFolder) -> None:
    index = folder.index(DIMENSION)
    index.add(uuid(1), "anna", VECTORS[0])
    for number, name in enumerate(('x" or customer_id != "', "迎宾 " * 21, "it's", 'a\\"]'), start=2):
        assert index.remove_customer(name) == 0
        index.add(uuid(number), name, VECTORS[number])
        (hit,) = index.search(VECTORS[number][None, :])
        assert hit is not None
        assert hit.customer_id == name
        assert index.count == 2
        assert index.remove_customer(name) == 1
    assert index.count == 1


def test_two_processes_on_one_folder(tmp_path: Path) -> None:
    holder = MilvusFolder(tmp_path)
    second = (
        "import sys, pathlib; from yingbin.galleries.milvus_index import MilvusFolder\n"
        "try: MilvusFolder(pathlib.Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    run = subprocess.run([sys.executable, "-c", second, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == GalleryInUse.__name__
    index = holder.index(DIMENSION)
    index.add(uuid(1), uuid(101), VECTORS[0])  # the first is none the worse for it
    assert index.search(VECTORS[:1])[0] is not None
    holder.close()


def test_after_kill_9_the_folder_opens_again(tmp_path: Path) -> None:
    first = (
        "import sys, pathlib, time; from yingbin.galleries.milvus_index import MilvusFolder\n"
        "folder = MilvusFolder(pathlib.Path(sys.argv[1])); folder.index(16); print('open', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", first, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        process.kill()
    folder = MilvusFolder(tmp_path)
    assert folder.index(DIMENSION).search(VECTORS[:1]) == [None]
    assert tmp_path.stat().st_mode & 0o077 == 0
    folder.close()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadConfiguration, match="cannot be used"):
        MilvusFolder(tmp_path / "file")


def test_milvus_dies_and_that_is_said(tmp_path: Path) -> None:
    from milvus_lite.server_manager import server_manager_instance

    folder = MilvusFolder(tmp_path)
    index = folder.index(DIMENSION)
    index.add(uuid(1), uuid(101), VECTORS[0])
    (process,) = [one._p for path, one in server_manager_instance._servers.items() if str(tmp_path) in path]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(MilvusFailed):
        index.search(VECTORS[:1])
    with pytest.raises(MilvusFailed):
        index.add(uuid(2), uuid(102), VECTORS[1])
    assert index.count == 1
    folder.close()


async def test_a_province_searches_in_milvus_and_begins_again_from_its_stores(tmp_path: Path) -> None:
    settings = ProvinceSettings(
        database_url=f"sqlite:///{tmp_path / 'identity.db'}",
        templates_database_url=f"sqlite:///{tmp_path / 'templates.db'}",
        keystore_file=tmp_path / "keys",
        keystore_passphrase=SecretStr("correct horse"),
        templates_index="milvus",
        milvus_folder=tmp_path / "milvus",
        milvus_plain_volume=True,
    )
    for _ in ("first start", "next start"):
        province = build(settings, Stores.open(settings), StandInReader())
        async with province.app.router.lifespan_context(province.app):
            galleries = province.galleries
            assert galleries.count(list(Gallery)) == 0
            galleries.add(Gallery.VIP, uuid(1), uuid(101), VECTORS[0], galleries.domain)
            found = galleries.search([Gallery.VIP, Gallery.POTENTIAL], VECTORS[:1], galleries.domain)
            assert [hit.customer_id for hit in found.hits if hit] == [uuid(101)]
            galleries.remove_customer(uuid(101))
            assert galleries.search([Gallery.VIP], VECTORS[:1], galleries.domain).hits == [None]
            galleries.add(Gallery.VIP, uuid(1), uuid(101), VECTORS[0], galleries.domain)


class StandInReader:
    """Of faces only the size of their vectors matters here."""

    pack_id = "stand-in-00000000"
    dimension = DIMENSION
    scores = ScoreModel()

    def read(self, content: bytes) -> Acquired:
        raise AssertionError("nobody is enrolled by a photo here")
