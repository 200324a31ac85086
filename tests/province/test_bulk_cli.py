"""`yingbin province enrol` against a running province."""

import csv

import pytest
from bulk_lists import csv_file, photos_of, row, zip_file
from province_harness import World
from typer.testing import CliRunner

from province_server.cli import app

PASSWORD = "a long password"


def test_a_folder_or_a_zip_is_enrolled_and_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.made("staff", {"staff_id": "lin", "display_name": "林", "role": "enroller", "password": PASSWORD})
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", PASSWORD)
    rows = [row(f"c-{n}", world.branch_a) for n in range(20)]
    folder, out = world.folder / "photos", world.folder / "report.csv"
    folder.mkdir()
    for name, content in photos_of(rows).items():
        (folder / name).write_bytes(content)
    (folder / "c-19.jpg").unlink()
    (world.folder / "list.csv").write_bytes(csv_file(rows))
    (world.folder / "photos.zip").write_bytes(zip_file(photos_of(rows)))
    common = ["enrol", "--list", str(world.folder / "list.csv"), "--staff-id", "lin", "--url", world.url]

    dry = CliRunner().invoke(app, [*common, "--photos", str(folder), "--dry-run"])
    assert (dry.exit_code, "19 enrolled, 1 refused (dry run)" in dry.output) == (1, True), dry.output
    first = CliRunner().invoke(app, [*common, "--photos", str(folder), "--report", str(out)])
    assert (first.exit_code, "done: 19 enrolled, 1 refused" in first.output) == (1, True), first.output
    with out.open(encoding="utf-8-sig") as file:
        assert [line["code"] for line in csv.DictReader(file)] == [""] * 19 + ["photo_missing"]
    rest = CliRunner().invoke(app, [*common, "--photos", str(world.folder / "photos.zip")])
    assert (rest.exit_code, "done: 19 already, 1 enrolled" in rest.output) == (0, True), rest.output
    missing = CliRunner().invoke(app, [*common, "--photos", str(world.folder / "none.zip")])
    assert "cannot be read" in str(missing.exception)
