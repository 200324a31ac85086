"""`yingbin province load-portraits`, and portraits through a renewal of the province's key."""

import time
from datetime import timedelta
from pathlib import Path

import duckdb
import msgspec
import pytest
from portrait_bodies import STEADY, TODAY, load, portrait, shown, values
from province_harness import World
from sqlalchemy import select
from typer.testing import CliRunner

from demo.api import Api
from demo.night import run_night
from demo.people import invented_customers
from province_server import renewal
from province_server.cli import app
from province_server.portraits import load as loading
from province_server.portraits.files import PortraitFilesDamaged, open_portraits
from yingbin.errors import BadConfiguration
from yingbin.ids import now_ms
from yingbin.offers.portrait.page import PortraitMissing
from yingbin.portrait_wire import InsightAnswer
from yingbin.storage.portraits import PortraitRow
from yingbin.trust.staff import Role

PASSWORD = "a long password"
COLUMNS = {
    "tags": "customer_id VARCHAR, tag VARCHAR, value VARCHAR, as_of DATE, expires_on DATE",
    "holdings": "customer_id VARCHAR, product VARCHAR, kind VARCHAR, balance_fen BIGINT, matures_on DATE, as_of DATE, "
    "expires_on DATE",
    "timeline": "customer_id VARCHAR, day DATE, event VARCHAR, detail VARCHAR, as_of DATE, expires_on DATE",
}


def write(folder: Path, customers: list[str], value: str = "stable") -> Path:
    """Write the three files of a run, their rows in no order."""
    folder.mkdir(exist_ok=True)
    end = TODAY + timedelta(days=30)
    with duckdb.connect() as making:
        for name, columns in COLUMNS.items():
            making.execute(f"CREATE TABLE {name} ({columns})")
        for customer_id in reversed(customers):
            making.execute("INSERT INTO tags VALUES (?, 'asset_trend', ?, ?, ?)", [customer_id, value, TODAY, end])
            making.execute(
                "INSERT INTO holdings VALUES (?, 'time_deposit', 'time', 100, NULL, ?, ?)", [customer_id, TODAY, end]
            )
        making.execute("INSERT INTO timeline VALUES (?, ?, 'bought', 'wealth_r2', ?, ?)",
                       [customers[0], TODAY, TODAY, end])  # fmt: skip
        for name in COLUMNS:
            making.execute(f"COPY {name} TO '{folder}/{name}.parquet' (FORMAT parquet)")
    return folder


def test_a_folder_is_loaded_in_small_steps_and_again_without_harm(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "AT_ONCE", 2)
    world.made("staff", {"staff_id": "ga", "display_name": "管", "role": "gallery_admin", "password": PASSWORD})
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", PASSWORD)
    for who in ("c-1", "c-2", "c-3"):
        world.enrolled(who, world.branch_a)
    world.customer("c-4", world.branch_a, ("vip_service", "central_storage"))
    folder = write(tmp_path / "run", ["c-1", "c-2", "c-3", "c-4", "c-5"])
    command = ["load-portraits", "--data", str(folder), "--staff-id", "ga", "--url", world.url]
    for _ in range(2):
        done = CliRunner().invoke(app, command)
        assert (done.exit_code, "3 stored, 1 unknown, 1 without consent" in done.output) == (0, True), done.output
    assert values(shown(world.a, "c-1")) == {"asset_trend": "stable"}
    assert [one.en for one in shown(world.a, "c-1").timeline] == ["bought: Fixed-income wealth product (R2)"]
    assert values(shown(world.a, "c-3")) == {"asset_trend": "stable"}
    write(folder, ["c-1"], value="no such trend")
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, BadConfiguration)
    assert "a value of tag asset_trend is no choice" in str(refused.exception)


def test_files_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", ["c-1"])
    whole = (folder / "tags.parquet").read_bytes()
    for content, said in ((b"nothing", "cannot be read"), (whole[:-9], "cannot be read"), (None, "no column")):
        if content is None:
            with duckdb.connect() as making:
                making.execute(f"COPY (SELECT 'c' AS customer_id) TO '{folder}/tags.parquet' (FORMAT parquet)")
        else:
            (folder / "tags.parquet").write_bytes(content)
        with pytest.raises(PortraitFilesDamaged, match=said), open_portraits(folder) as files:
            list(files.each())
    (folder / "holdings.parquet").unlink()
    with pytest.raises(PortraitMissing, match=r"holdings\.parquet"), open_portraits(folder):
        pass


def test_C8_renewal_seals_portraits_anew_and_what_no_key_opens_is_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "BATCH", 2)
    people = ["p-1", "p-2", "p-3"]
    for who in people:
        world.enrolled(who, world.branch_a)
        load(world, portrait(who, STEADY))
        shown(world.a, who, "visit-1")
        load(world, portrait(who, {**STEADY, "asset_trend": "rising"}))

    def sealed() -> dict[str, tuple[bytes, bytes | None]]:
        with world.province.stores.identity.read() as session:
            return {row.customer_id: (row.sealed, row.shown_sealed) for row in session.scalars(select(PortraitRow))}

    before = sealed()
    with world.province.stores.identity.write() as session:
        session.get_one(PortraitRow, "p-3").sealed = before["p-1"][0]  # somebody else's
    assert world.call("POST", "renewals/province").status_code == 202
    deadline = time.monotonic() + 30
    while world.call("GET", "renewals/province").json()["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    after = sealed()
    assert set(after) == {"p-1", "p-2"}
    assert not {*after["p-1"], *after["p-2"]} & {*before["p-1"], *before["p-2"]}
    (change,) = shown(world.a, "p-1", "visit-2").changes
    assert change.now_en == "rising"
    page = shown(world.a, "p-3", "visit-2")
    assert page.lines
    assert page.groups == ()


def test_C14_what_the_demos_nightly_jobs_find_is_shown_and_a_question_can_be_answered(world: World) -> None:
    lin = next(one for one in invented_customers() if one.person == "lin_yue")
    world.enrolled("lin", world.branch_a)
    with Api(world.url) as office:
        office.use_token(world.token(Role.GALLERY_ADMIN))
        run_night(office, world.folder / "bank", {"lin": lin}, TODAY)
    page = shown(world.a, "lin", "visit-1")
    assert values(page)["assets_fen"] == "¥262,000"
    assert {one.name_en for one in page.holdings if one.kind == "debt"} == {"Car loan"}
    assert "bought: Cash-management wealth product (R1)" in {one.en for one in page.timeline}
    (question,) = page.insights
    assert not question.stated
    assert sum(one.support for one in question.evidence) >= 5
    answer = InsightAnswer("answer-1", "lin", world.a.manager(), confirmed=True, at_ms=now_ms())
    path = f"facts/{question.fact_id}/answer"
    assert world.a.ask("POST", path, content=msgspec.json.encode(answer)).status_code == 204
    (told,) = shown(world.a, "lin", "visit-1").insights
    assert told.stated
