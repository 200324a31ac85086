"""The bench of bulk enrolment, small enough for a test: the real command, real photos, pages asked for meanwhile."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.bulk_bench import LEAST, run_bulk_bench
from province_server.cli import app
from province_server.rehearsal import InventedFaces, SyntheticReader
from yingbin.errors import InvalidInput


def test_bulk_prints_what_came_of_the_rows_and_how_the_pages_were(tmp_path: Path) -> None:
    said: list[int] = []
    figures = run_bulk_bench(tmp_path, LEAST, said.append)
    assert (figures["rows"], figures["enrolled"], figures["refused"], figures["pages_failed"]) == (LEAST, LEAST, 0, 0)
    assert figures["pages_asked"] >= 1
    assert 0 < figures["page_p50_ms"] <= figures["page_p95_ms"] <= figures["page_p99_ms"]
    assert 0 < figures["rss_at_a_tenth_mb"] <= figures["rss_peak_mb"]
    assert said[-1] == LEAST


def test_a_list_too_short_to_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="3"):
        run_bulk_bench(tmp_path, 3, lambda _: None)


def test_invented_faces_differ_by_photo_and_never_by_look() -> None:
    reader = InventedFaces(SyntheticReader(128))
    one, again, other = (reader.read(photo).vector for photo in (b"1", b"1", b"2"))
    assert (one == again).all()
    assert abs(float(one @ other)) < 0.5
    assert reader.pack_id == "synthetic-invented"


@pytest.mark.parametrize("wanted", [[], ["--customers", "5", "--photos"]])
def test_a_rehearsal_is_told_one_thing_to_do(wanted: list[str]) -> None:
    result = CliRunner().invoke(app, ["rehearse", *wanted])
    assert result.exit_code == 2
    assert "--photos" in result.output
