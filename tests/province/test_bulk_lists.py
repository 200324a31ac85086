"""What a list and its photos may look like, and what is refused as a whole."""

import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest
from bulk_lists import csv_file, enrol, finished, report, row, send, zip_file
from province_harness import World

from province_server.batch.report import REASONS
from province_server.batch.spool import CHUNK_BYTES, SealedSpool
from province_server.batch.tables import Table
from province_server.bulk.photos import Photos
from province_server.bulk.rows import RowRefused, photo_name
from yingbin.errors import InvalidInput, StorageFull
from yingbin.faces.enrolment import Reason

CANARY = b"a face that nobody may find on a disk"


def spooled(content: bytes) -> SealedSpool:
    spool = SealedSpool()
    spool.append(content)
    spool.complete()
    return spool


def test_C2_C8_an_upload_is_unreadable_on_the_disk_and_leaves_no_file(tmp_path: Path) -> None:
    spool = SealedSpool(tmp_path)
    content = CANARY * (2 * CHUNK_BYTES // len(CANARY) + 7)
    for start in range(0, len(content), 100_003):
        spool.append(content[start : start + 100_003])
    spool.complete()
    assert list(tmp_path.iterdir()) == []  # it has no name, so a killed process leaves nothing
    handle = spool._file.fileno()
    raw = os.pread(handle, os.fstat(handle).st_size, 0)
    assert len(raw) > len(content)
    assert CANARY[:12] not in raw
    assert spool.seek(-50, os.SEEK_END) == len(content) - 50
    assert spool.read() == content[-50:]
    spool.seek(0)
    assert spool.readall() == content
    spool.close()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    script = (
        "import resource; from pathlib import Path; from province_server.batch.spool import SealedSpool\n"
        "from yingbin.errors import StorageFull\n"
        f"spool = SealedSpool(Path({str(tmp_path)!r})); resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "try:\n    spool.append(bytes(2_000_000))\nexcept StorageFull as error:\n    print(error.code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == StorageFull.code
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_any_encoding_of_the_house(encoding: str) -> None:
    table = Table.of(spooled(csv_file([{"customer_id": "c", "full_name": "欧阳震华"}], encoding)))
    assert table.columns == ("customer_id", "full_name")
    assert list(table.rows()) == [{"customer_id": "c", "full_name": "欧阳震华"}]


def test_parquet_is_read_without_touching_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    values = "'c' AS customer_id, DATE '1980-02-29' AS birth_date, 12 AS mortgage_fen, NULL AS tier"
    duckdb.execute(f"COPY (SELECT {values}) TO '{path}' (FORMAT parquet)")
    table = Table.of(spooled(path.read_bytes()))
    assert list(table.rows()) == [{"customer_id": "c", "birth_date": "1980-02-29", "mortgage_fen": "12", "tier": ""}]
    with pytest.raises(InvalidInput, match="Parquet"):
        Table.of(spooled(b"PAR1" + bytes(100)))


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"\xff\xfe\x00a,b\n", "wrong_encoding"), (b"", "unreadable_table"), (b"a,a\n1,2\n", "unreadable_table")],
)
def test_files_that_are_no_table_are_named(content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Table.of(spooled(content))
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["", "../a.jpg", "/etc/passwd", "a/../../b", "C:\\a.jpg", "..\\a.jpg", "a\x00.jpg"])
def test_a_photo_name_leads_nowhere_else(name: str) -> None:
    with pytest.raises(RowRefused, match="bad_photo_name"):
        photo_name(name)


def test_bombs_encrypted_and_damaged_photos_are_refused() -> None:
    archive = bytearray(
        zip_file(
            {"all/bomb.jpg": bytes(40 << 20), "all/fine.jpg": CANARY, "all/bad.jpg": CANARY * 9}, zipfile.ZIP_DEFLATED
        )
    )
    at = archive.index(b"all/bad.jpg") + len(b"all/bad.jpg")
    archive[at + 5] ^= 0xFF
    photos = Photos(spooled(bytes(archive)))
    assert photos.read("fine.jpg") == photos.read("all/fine.jpg") == CANARY
    for name, reason in (("bomb.jpg", "photo_too_large"), ("bad.jpg", "photo_damaged"), ("x.jpg", "photo_missing")):
        with pytest.raises(RowRefused, match=reason):
            photos.read(name)
    with pytest.raises(InvalidInput, match="zip"):
        Photos(spooled(bytes(archive[:-30])))


def test_every_reason_has_a_text_in_both_languages() -> None:
    assert set(Reason) <= REASONS.keys()
    assert all(texts.keys() == {"zh", "en"} and all(texts.values()) for texts in REASONS.values())


def test_lists_refused_as_a_whole_name_why(world: World) -> None:
    good = row("c-1", world.branch_a)
    photos = {"c-1.jpg": b"c-1"}
    refused = {
        "missing_column": send(world, [{k: v for k, v in good.items() if k != "photo"}], photos),
        "unknown_column": send(world, [{**good, "favourite_colour": "red"}], photos),
        "wrong_encoding": send(world, b"customer_id\n\xff\xff\xff\n", photos),
        "bad_zip": send(world, [good], b"no zip"),
        "invalid_input": send(world, b"customer_id,gallery,photo,notice_version,evidence_vip_service\n", photos),
        "not_found": send(world, [good], photos, resume=True),
    }
    for code, reply in refused.items():
        assert reply.status_code in {404, 422}, reply.text
        assert reply.json()["type"] == f"urn:yingbin:{code}"
    for body in ({"files": {"list": b"a"}}, {"files": {"other": b"a"}}, {"content": b"x"}, {"data": {"list": "a"}}):
        assert world.call("POST", "bulk/jobs", **body).status_code == 422
    assert world.call("GET", "bulk/jobs").json() == {"items": [], "next": None}
    parquet = world.folder / "list.parquet"
    (world.folder / "list.csv").write_bytes(csv_file([good]))
    duckdb.read_csv(str(world.folder / "list.csv"), all_varchar=True).write_parquet(str(parquet))
    assert enrol(world, parquet.read_bytes(), photos)["counts"] == {"enrolled": 1}
    as_excel = csv_file([row("c-2", world.branch_a)], "gb18030")
    job = enrol(world, as_excel, {"照片/c-2.jpg": b"c-2"})
    assert job == finished(world, job["job_id"])
    assert [line["outcome"] for line in report(world, job["job_id"])] == ["enrolled"]
