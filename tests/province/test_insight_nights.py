"""A night's file on its way in: checked whole, in small transactions, gone on with, and counted (C12, C14)."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bulk_lists import finished
from insight_world import PATH, Row, conclusion, enrol, loaded, rows_of, send, summary, written
from province_harness import World
from typer.testing import CliRunner

from province_server.batch.spool import SealedSpool
from province_server.batch.tables import UnreadableTable
from province_server.cli import app
from province_server.insights import nights
from province_server.insights.loading import Loader
from province_server.insights.night_file import BadNight, NightFile
from yingbin.errors import InvalidInput, YingbinError
from yingbin.offers.profile import china_today
from yingbin.trust.staff import Role

TODAY = china_today()


@contextlib.contextmanager
def spooled(content: bytes) -> Iterator[NightFile]:
    with contextlib.closing(SealedSpool()) as spool:
        spool.append(content)
        spool.complete()
        yield NightFile(spool)


def pair(other: str | None = "b") -> Row:
    return conclusion("a", "household", "transaction", "contact", other_id=other)


def commute(customer: str = "a", **more: Any) -> Row:
    return conclusion(customer, "commutes", "card_presence", "transaction", **more)


def with_evidence(**more: Any) -> Row:
    row = commute()
    return {**row, "evidence": [{**row["evidence"][0], **more}, *row["evidence"][1:]]}


BAD_ROWS: dict[str, tuple[list[Row], str]] = {
    "unknown_insight": ([{**commute(), "insight": "mood"}], "row 1: its insight is not in the library"),
    "no_customer": ([commute(""), commute("b")], "an id of commutes is missing"),
    "long_id": ([commute("x" * 65)], "longer than 64"),
    "relation_without_other": ([pair(None)], "an id of household is missing"),
    "with_himself": ([pair("a")], "about a customer and himself"),
    "other_without_relation": ([commute(other_id="b")], "an id too many"),
    "no_subject": ([conclusion("a", "product_interest", "browsing", "account")], "an id of product_interest"),
    "confirmed_by_a_file": ([commute(state="confirmed")], "its state is none that a night finds"),
    "corroborated_by_nothing": ([{**commute(), "evidence": []}], "does not go with its evidence"),
    "unknown_family": ([with_evidence(family="gossip")], "Invalid enum value"),
    "another_insights_signal": ([with_evidence(signal="talk_often")], "a signal of its evidence is none of commutes"),
    "evidence_of_tomorrow": ([with_evidence(last_seen=TODAY + timedelta(days=1))], "evidence of a day after"),
    "night_of_tomorrow": ([commute(as_of=TODAY + timedelta(days=1))], "still to come"),
    "two_nights": ([commute(), commute("b", as_of=TODAY - timedelta(days=1))], "row 2: as_of must be one day"),
    "twice": ([commute(), commute()], "row 2: rows must be in order"),
    "no_strength": ([commute(strength=None)], "Expected `float`"),
}


@pytest.mark.parametrize(("rows", "said"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named_and_quotes_nobody(tmp_path: Path, rows: list[Row], said: str) -> None:
    with spooled(written(tmp_path, rows)) as night, pytest.raises(BadNight) as caught:
        night.check(TODAY)
    assert said in caught.value.message
    assert "nothing was loaded" in caught.value.message


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    wrong = written(tmp_path, [commute("b"), commute("a")], ordered=False)
    with spooled(wrong) as night, pytest.raises(BadNight, match="row 2: rows must be in order"):
        night.check(TODAY)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("* EXCLUDE (evidence)", "column `evidence` must be there"),
        ("* REPLACE (state = 'corroborated' AS state)", "column `state` must be there and of type VARCHAR: it is BOOL"),
    ],
)
def test_a_column_that_is_missing_or_of_another_type_is_named(tmp_path: Path, columns: str, said: str) -> None:
    with spooled(written(tmp_path, [commute()], columns)) as night, pytest.raises(BadNight) as caught:
        night.check(TODAY)
    assert said in caught.value.message


def damaged(content: bytes) -> bytes:
    """Break the first page: the footer, and so the columns, can still be read."""
    return content[:4] + bytes(60) + content[64:]


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (damaged, UnreadableTable),
        (lambda content: content[: len(content) // 2], UnreadableTable),
        (lambda content: b"customer_id,insight\n", BadNight),
        (lambda content: b"", BadNight),
    ],
    ids=["page", "cut", "csv", "empty"],
)
def test_a_damaged_file_is_a_clear_error(
    tmp_path: Path, spoil: Callable[[bytes], bytes], error: type[YingbinError]
) -> None:
    wrong = spoil(written(tmp_path, [commute(f"c-{n:04}") for n in range(50)]))
    with spooled(wrong) as night, pytest.raises(error) as caught:
        night.check(TODAY)
    assert isinstance(caught.value, InvalidInput)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with spooled(written(tmp_path, [])) as night, pytest.raises(BadNight, match="no rows"):
        night.check(TODAY)


def test_rows_come_customer_by_customer_from_where_one_stopped(tmp_path: Path) -> None:
    rows = [commute("a"), pair("b"), pair("c"), commute("b"), commute("c")]
    with spooled(written(tmp_path, rows)) as night:
        assert night.check(TODAY).rows == 5
        assert [[one.number for one in some] for some in night.customers(0)] == [[1, 2, 3], [4], [5]]
        assert [[one.number for one in some] for some in night.customers(4)] == [[5]]


def test_a_bad_file_is_refused_at_the_door_and_leaves_nothing(shared_insights: World) -> None:
    enrol(shared_insights, "door")
    for content, code in (
        (written(shared_insights.folder, [commute("door"), {**commute("e"), "insight": "mood"}]), "bad_night"),
        (damaged(written(shared_insights.folder, [commute("door")])), "unreadable_table"),
    ):
        reply = send(shared_insights, content)
        assert (reply.status_code, reply.json()["type"]) == (422, f"urn:yingbin:{code}")
    assert rows_of(shared_insights, "door") == []
    assert send(shared_insights, b"", resume="x").status_code == 422


def test_an_interrupted_load_goes_on_and_nobody_is_loaded_by_halves(
    shared_insights: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [f"part-{n}" for n in range(4)]
    enrol(shared_insights, *people)
    rows = [
        one for who in people for one in (commute(who), conclusion(who, "risk_bold", "transaction", "self_declared"))
    ]
    night = written(shared_insights.folder, rows)
    monkeypatch.setattr(nights, "ROWS_AT_ONCE", 1)
    real, calls = Loader.load, []

    def third_fails(self: Loader, *args: Any) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise YingbinError("the lights went out")
        real(self, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Loader, "load", third_fails)
        job = finished(shared_insights, send(shared_insights, night).json()["job_id"], PATH)
    assert (job["state"], job["done"], job["total"]) == ("failed", 4, 8)
    assert [len(rows_of(shared_insights, who)) for who in people] == [2, 2, 0, 0]
    assert send(shared_insights, night).json()["type"] == "urn:yingbin:job_unfinished"
    done = summary(shared_insights, send(shared_insights, night, resume=True))
    assert (done["job_id"], done["corroborated"], done["customers"], done["rows"]) == (job["job_id"], 8, 4, 8)
    assert [len(rows_of(shared_insights, who)) for who in people] == [2, 2, 2, 2]


def test_time_does_not_go_back(insight_world: World) -> None:
    enrol(insight_world, "back")
    loaded(insight_world, commute("back"))
    day = TODAY - timedelta(days=1)
    reply = send(insight_world, written(insight_world.folder, [commute("back", as_of=day, last_seen=day)]))
    assert (reply.status_code, "time does not go back" in reply.json()["detail"]) == (422, True)


def test_C12_a_load_is_in_the_trail_with_counts_and_nobodys_name(shared_insights: World) -> None:
    enrol(shared_insights, "trail")
    night = loaded(shared_insights, commute("trail"), commute("trail-nobody"))
    asked = {"action": "insights_loaded", "object_kind": "job", "object_id": night["job_id"]}
    (entry,) = shared_insights.call("GET", "audit", Role.AUDITOR, params=asked).json()["items"]
    assert (entry["role"], entry["outcome"]) == ("gallery_admin", "done")
    assert {"corroborated": 1, "unknown_customers": 1, "rows": 2}.items() <= entry["details"].items()
    assert "trail" not in str(entry)


def test_a_night_is_loaded_from_the_command_line(shared_insights: World, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"staff_id": "night-gu", "display_name": "gu", "role": "gallery_admin", "password": "a long password"}
    assert shared_insights.call("POST", "staff", json=body).status_code == 201
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", "a long password")
    enrol(shared_insights, "cli")
    path = shared_insights.folder / "night.parquet"
    path.write_bytes(written(shared_insights.folder, [commute("cli")]))
    options = ["load-insights", "--staff-id", "night-gu", "--url", shared_insights.url, "--data"]
    result = CliRunner().invoke(app, [*options, str(path)])
    assert (result.exit_code, f"done: night of {TODAY}" in result.output) == (0, True), (
        result.output,
        result.exception,
    )
    assert "1 corroborated" in result.output
    absent = CliRunner().invoke(app, [*options, str(path.with_name("absent"))])
    assert "cannot be read" in str(absent.exception)


def test_memory_of_a_load_does_not_grow_with_the_night(tmp_path: Path) -> None:
    """What is held at once is a portion of customers; the counts of the table are the same however it is cut."""
    rows = [commute(f"c-{n:05}") for n in range(3000)]
    with spooled(written(tmp_path, rows)) as night:
        portions = [sum(map(len, some)) for some in nights._some(night.customers(0))]
    assert sum(portions) == 3000
    assert max(portions) == nights.ROWS_AT_ONCE
