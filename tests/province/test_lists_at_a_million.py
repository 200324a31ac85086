"""A province of a million customers on PostgreSQL: every page of every list comes in a moment."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from postgres import fresh_databases
from province_harness import World, record, running
from pydantic import SecretStr

from province_server.customers import Customer
from province_server.settings import ProvinceSettings
from yingbin.trust.staff import Role

CUSTOMERS = 1_000_000
ENROLLED = 200_000
PAGES = 60
P95_MS = 100.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with fresh_databases("identity", "templates") as (identity, templates):
        settings = ProvinceSettings(
            database_url=identity,
            templates_database_url=templates,
            keystore_file=tmp_path / "keys",
            keystore_passphrase=SecretStr("correct horse"),
        )
        with running(settings, tmp_path) as made:
            populate(made, identity)
            yield made


def populate(world: World, url: str) -> None:
    """Register a million customers, a fifth of them enrolled: rows alone, since lists read nothing else."""
    import psycopg  # of the extra `services`

    raw = Customer.model_validate(record("c", world.branch_a)).model_dump_json().encode()
    seal = world.province.keys.seal_record
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        columns = "customer_id, home_branch_id, record_sealed, created_at_ms"
        with cursor.copy(f"COPY customers ({columns}) FROM STDIN") as rows:
            for number in range(CUSTOMERS):
                name = f"c-{number:07d}"
                rows.write_row((name, world.branch_a, seal(name, raw), number))
        cursor.execute(
            "INSERT INTO template_links (subject_id, template_id, customer_id, gallery, key_sealed, state)"
            " SELECT 's-' || n, 't-' || n, 'c-' || lpad((5 * n)::text, 7, '0'), 'vip', '', 'linked'"
            " FROM generate_series(0, %s) n",
            (ENROLLED - 1,),
        )
        cursor.execute(
            "INSERT INTO candidates (candidate_id, customer_id, reason, source, added_by, added_at_ms, expires_at_ms)"
            " SELECT 'c-' || lpad(n::text, 7, '0'), 'c-' || lpad(n::text, 7, '0'), 'x', 'import', 'x', 1, 4102444800000"
            " FROM generate_series(0, %s) n",
            (CUSTOMERS - 1,),
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_pages_of_lists_come_in_a_moment(world: World) -> None:
    random = np.random.default_rng(11)
    for path in ("customers", "galleries/vip/members", "candidates"):
        taken_ms = []
        for number in random.integers(0, CUSTOMERS, PAGES):
            start = time.perf_counter()
            reply = world.call("GET", path, Role.GALLERY_ADMIN, params={"after": f"c-{number:07d}", "limit": 50})
            taken_ms.append((time.perf_counter() - start) * 1000)
            assert reply.status_code == 200, reply.text
            assert reply.json()["items"]
        p95_ms = float(np.percentile(taken_ms, 95))
        print(f"{path}: p50 {np.median(taken_ms):.1f} ms, p95 {p95_ms:.1f} ms")
        assert p95_ms <= P95_MS
