"""`yingbin province candidates`: from the nightly portrait to a list, and into a gallery through consent alone."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from province_harness import World, record
from typer.testing import CliRunner

from province_server.campaigns import candidates as campaigns
from province_server.campaigns.cli import BadCandidates, read_candidates
from province_server.cli import app
from yingbin.ids import now_ms
from yingbin.offers.portrait.cli import app as portrait_app
from yingbin.offers.profile import china_today
from yingbin.trust.staff import Role

PASSWORD = "a long password"
DAY_MS = 86_400_000
HEAD = "customer_id,reason,source,expires_at_ms"


def portraits(folder: Path, day: date, customers: list[str]) -> Path:
    """Write the tags of a night on which all these are ordinary customers with much on demand."""
    folder.mkdir()
    columns = "customer_id VARCHAR, tag VARCHAR, value VARCHAR, as_of DATE, expires_on DATE"
    with duckdb.connect() as making:
        making.execute(f"CREATE TABLE tags ({columns})")
        for who in customers:
            for tag, value in (("tier", "ordinary"), ("idle_90_days_fen", "15000000")):
                making.execute("INSERT INTO tags VALUES (?, ?, ?, ?, ?)", [who, tag, value, day, day + timedelta(3)])
        making.execute(f"COPY tags TO '{folder}/tags.parquet' (FORMAT parquet)")
    return folder


def send(world: World, file: Path) -> str:
    done = CliRunner().invoke(app, ["candidates", str(file), "--staff-id", "pm", "--url", world.url])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output.splitlines()[-1]


def seen(world: World) -> dict[str, tuple[str, list[str]]]:
    items = world.call("GET", "candidates", Role.PRODUCT_MANAGER).json()["items"]
    return {one["customer_id"]: (one["state"], one["consents_missing"]) for one in items}


def test_C1_whom_a_night_proposes_comes_into_the_gallery_through_consent_alone(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaigns, "MAX_AT_ONCE", 3)
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", PASSWORD)
    world.made("staff", {"staff_id": "pm", "display_name": "产", "role": "product_manager", "password": PASSWORD})
    ordinary = {"tier": "potential"}
    for who, changes, purposes in (
        ("li", ordinary, ("marketing",)),
        ("wu", ordinary, ("vip_service", "central_storage")),  # withdrew marketing since the night
        ("opted-out", {**ordinary, "opted_out_of_automated_decisions": True}, ("marketing",)),
        ("gold", {"tier": "vip_gold"}, ("marketing",)),
        ("in-gallery", ordinary, ("marketing", "vip_service", "central_storage")),
    ):
        world.made("customers", record(who, world.branch_a, **changes))
        for purpose in purposes:
            assert world.grant(who, purpose).status_code == 204
    assert world.photo("in-gallery", b"in-gallery", "potential").status_code == 201

    day, file = china_today() - timedelta(days=1), tmp_path / "c.parquet"
    night = portraits(tmp_path / "night", day, ["gold", "in-gallery", "li", "nobody", "opted-out", "wu"])
    made = CliRunner().invoke(portrait_app, ["candidates", str(night), "--out", str(file)])
    assert made.exit_code == 0, made.output
    left_out = (
        "1 of nobody known here, 1 without consent to marketing, 1 opted out of automated decisions, "
        "1 in a VIP tier, 1 in a gallery"
    )
    assert send(world, file) == f"candidates: 1 added, {left_out}"
    assert send(world, file) == f"candidates: 1 known already, {left_out}"
    (one,) = world.call("GET", "candidates", Role.PRODUCT_MANAGER).json()["items"]
    assert one["source"].startswith(f"portrait {day} / idle_money 2026-1+")
    assert (one["reason"].partition(" / ")[0], one["added_by"]) == ("活期长期闲置较多", "pm")

    assert seen(world) == {"li": ("candidate", ["central_storage", "vip_service"])}
    assert world.photo("li", b"li", "potential").json()["type"] == "urn:yingbin:consent_missing"
    for purpose in ("vip_service", "central_storage"):
        world.grant("li", purpose)
    assert seen(world) == {"li": ("consented", [])}
    assert world.photo("li", b"li", "potential").status_code == 201
    assert seen(world) == {"li": ("enrolled", [])}
    assert send(world, file).endswith("2 in a gallery")


def test_C1_a_candidate_of_a_list_goes_with_his_consent_and_the_plain_route_refuses_as_before(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YINGBIN_STAFF_PASSWORD", PASSWORD)
    world.made("staff", {"staff_id": "pm", "display_name": "产", "role": "product_manager", "password": PASSWORD})
    world.made("customers", record("li", world.branch_a, tier="potential"))
    world.grant("li", "marketing")
    file, soon = tmp_path / "c.csv", now_ms() + DAY_MS
    for reason, done in (("a", "1 added"), ("b", "1 replaced")):
        file.write_text(f"{HEAD}\nli,{reason},import 1.csv,{soon}\nli,{reason},import 1.csv,{now_ms() - 1}\n", "utf-8")
        assert send(world, file) == f"candidates: {done}, 1 expired"
    far = {"customer_id": "li", "reason": "c", "source": "s", "expires_at_ms": now_ms() + 400 * DAY_MS}
    for unfit in ("refuse", "leave_out"):
        refused = world.call("POST", "candidates", json={"items": [far], "unfit": unfit})
        assert (refused.status_code, "366 days" in refused.json()["detail"]) == (422, True)
    (one,) = world.call("GET", "candidates").json()["items"]
    assert one["reason"] == "b"
    receipt = world.withdraw("li", "marketing").headers["Location"].removeprefix("/v1/")
    assert world.call("GET", receipt).json()["deleted"] == [{"what": "list", "where": "identity_store", "count": 1}]
    assert seen(world) == {}
    assert send(world, file) == "candidates: 1 expired, 1 without consent to marketing"
    unknown = [{**far, "customer_id": who, "expires_at_ms": soon} for who in ("li", "nobody")]
    assert "no customer nobody" in world.call("POST", "candidates", json={"items": unknown}).json()["detail"]
    assert world.call("POST", "candidates", json={"items": unknown[:1]}).json() == {"added": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"customer_id,reason\nli,a\n", "lacks: source, expires_at_ms"),
        (f"{HEAD}\nli,a,s,1790000000000\n,a,s,1790000000000\n".encode(), "row 2: customer_id"),
        (f"{HEAD}\nli,a,s,tomorrow\n".encode(), "row 1: expires_at_ms: Input should be a valid integer"),
        (f"{HEAD}\nli,{'a' * 121},s,1790000000000\n".encode(), "row 1: reason: .* at most 120"),
        (b"", "lacks"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_by_column_or_row(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    with pytest.raises(BadCandidates, match=said):
        list(read_candidates(tmp_path / "c.csv"))
    (tmp_path / "c.parquet").write_bytes(content)
    with pytest.raises(BadCandidates, match="no CSV or Parquet table"):
        list(read_candidates(tmp_path / "c.parquet"))
