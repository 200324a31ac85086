"""Nights of conclusions written by hand, and what comes of them at a province."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
from bulk_lists import finished
from province_harness import City, World, record
from sqlalchemy import select

from yingbin.feed_wire import CardView, FeedKind, Lever
from yingbin.ids import new_id, now_ms
from yingbin.offers.insights.declaration import load_library
from yingbin.offers.insights.nightly import CONCLUSIONS
from yingbin.offers.profile import china_today
from yingbin.storage.insights import FactRow

PATH = "insights/nights"
EVERYTHING = ("vip_service", "central_storage", "marketing", "whereabouts")
Row = dict[str, Any]


def conclusion(customer: str, insight: str, *families: str, **more: Any) -> Row:
    """Return a row whose evidence is of `families`, seen yesterday; none of them: a look-alike."""
    seen = more.pop("last_seen", china_today() - timedelta(days=1))
    signals = {signal.family: signal.name for signal in load_library()[insight].signal}
    evidence = [
        {"signal": signals[family], "family": family, "strength": 0.8, "support": 7, "last_seen": seen}
        for family in families
    ]
    state = "corroborated" if len(families) > 1 else "hypothesis" if families else "expired"
    return {
        "as_of": china_today(), "insight": insight, "customer_id": customer, "other_id": None, "subject": None,
        "state": state, "applies": bool(families), "strength": 0.9, "last_seen": seen, "expires_on": seen,
        "evidence": evidence, **more,
    }  # fmt: skip


def written(folder: Path, rows: Sequence[Row], columns: str = "*", *, ordered: bool = True) -> bytes:
    """Return the Parquet file of a night."""
    path = folder / f"{new_id()}.parquet"
    with duckdb.connect() as bank:
        bank.execute(CONCLUSIONS)
        for row in rows:
            bank.execute(f"INSERT INTO conclusions VALUES ({', '.join('?' * len(row))})", list(row.values()))  # noqa: S608
        order = "ORDER BY customer_id, insight, other_id NULLS FIRST, subject NULLS FIRST" if ordered else ""
        bank.execute(f"COPY (SELECT {columns} FROM conclusions {order}) TO '{path}' (FORMAT parquet)")  # noqa: S608
    return path.read_bytes()


def send(world: World, night: bytes, **params: Any) -> httpx.Response:
    return world.call("POST", PATH, files={"table": night}, params=params)


def loaded(world: World, *rows: Row) -> dict[str, Any]:
    """Load a night and wait; return what it came to."""
    return summary(world, send(world, written(world.folder, rows)))


def summary(world: World, reply: httpx.Response) -> dict[str, Any]:
    assert reply.status_code == 202, reply.text
    job = finished(world, reply.json()["job_id"], PATH)
    assert job["state"] == "done", job
    return {**world.call("GET", f"{PATH}/{job['job_id']}/summary").json(), "job_id": job["job_id"]}


def enrol(world: World, *customers: str, branch: str = "", purposes: Sequence[str] = EVERYTHING) -> None:
    """Enrol customers who can document an income and may take any risk."""
    profile = {
        "as_of": "2026-11-01", "demand_deposit_fen": 30_000_000, "documented_monthly_income_fen": 3_000_000,
        "risk_assessment": {"level": "risk_c5", "valid_until": "2099-12-31"}, "holdings": ["mobile_bank", "fx_account"],
    }  # fmt: skip
    for customer in customers:
        world.made("customers", record(customer, branch or world.branch_a, profile=profile))
        for purpose in purposes:
            assert world.grant(customer, purpose).status_code == 204
        assert world.photo(customer, customer.encode()).status_code == 201


def view_of(city: City, customer: str) -> CardView:
    (view,) = (one for one in city.kinds(FeedKind.CARD_VIEW) if one.customer_id == customer)
    assert isinstance(view, CardView)
    return view


def levers(world: World, customer: str, city: City | None = None) -> dict[str, Lever]:
    """Return product -> the lever of a soft fact, in the view his city has."""
    candidates = view_of(city or world.a, customer).candidates
    return {one.product: lever for one in candidates for lever in one.levers if lever.signal == "insight"}


def rows_of(world: World, customer: str) -> list[FactRow]:
    with world.province.stores.identity.read() as session:
        return list(session.scalars(select(FactRow).where(FactRow.customer_id == customer).order_by(FactRow.fact_id)))


def notes(city: City, customer: str) -> list[Mapping[str, Any]]:
    """Return what the portrait page says of soft facts."""
    reply = city.ask("GET", f"customers/{customer}/portrait")
    assert reply.status_code == 200, reply.text
    return list(reply.json()["insights"])


def answer(city: City, customer: str, fact_id: str, *, confirmed: bool, **more: Any) -> httpx.Response:
    body = {
        "answer_id": new_id(), "customer_id": customer, "staff_id": city.manager(), "confirmed": confirmed,
        "at_ms": now_ms(), **more,
    }  # fmt: skip
    return city.ask("POST", f"facts/{fact_id}/answer", json=body)


def until(day: date) -> int:
    """Return the first millisecond after a day in China."""
    return ((day - date(1970, 1, 1)).days + 1) * 86_400_000 - 8 * 3_600_000
