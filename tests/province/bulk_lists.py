"""Lists, zips and jobs of the bulk tests."""

import csv
import io
import time
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from province_harness import World, record

CONSENTS = {"notice_version": "2026-1", "evidence_vip_service": "paper 17", "evidence_central_storage": "paper 17"}


def flat(customer_id: str, branch: str, **changes: Any) -> dict[str, Any]:
    """Return a customer's record as one row."""
    nested = record(customer_id, branch)
    return {**{key: value for key, value in nested.items() if key != "profile"}, **nested["profile"], **changes}


def row(customer_id: str, branch: str, **changes: Any) -> dict[str, Any]:
    """Return a row of a list that registers and enrols a customer."""
    return {"gallery": "vip", "photo": f"{customer_id}.jpg", **CONSENTS, **flat(customer_id, branch), **changes}


def csv_file(rows: Sequence[Mapping[str, Any]], encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    columns = list(dict.fromkeys(column for one in rows for column in one))
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def zip_file(photos: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in photos.items():
            archive.writestr(name, content)
    return out.getvalue()


def send(
    world: World, rows: Sequence[Mapping[str, Any]] | bytes, photos: Mapping[str, bytes] | bytes, **params: Any
) -> httpx.Response:
    files = {
        "list": ("list.csv", rows if isinstance(rows, bytes) else csv_file(rows)),
        "photos": ("photos.zip", photos if isinstance(photos, bytes) else zip_file(photos)),
    }
    return world.call("POST", "bulk/jobs", files=files, params=params)


def photos_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    return {str(one["photo"]): str(one["customer_id"]).encode() for one in rows}


def finished(world: World, job_id: str, kind: str = "bulk/jobs") -> dict[str, Any]:
    """Wait for the end of a job."""
    deadline = time.monotonic() + 60
    while (job := world.call("GET", f"{kind}/{job_id}").json())["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return dict(job)


def enrol(
    world: World,
    rows: Sequence[Mapping[str, Any]] | bytes,
    photos: Mapping[str, bytes] | bytes | None = None,
    **params: Any,
) -> dict[str, Any]:
    """Send a list and wait for the end of its job."""
    if photos is None:
        assert not isinstance(rows, bytes)
        photos = photos_of(rows)
    reply = send(world, rows, photos, **params)
    assert reply.status_code == 202, reply.text
    return finished(world, reply.json()["job_id"])


def report(world: World, job_id: str, kind: str = "bulk/jobs") -> list[dict[str, str]]:
    reply = world.call("GET", f"{kind}/{job_id}/report")
    assert reply.status_code == 200
    assert reply.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
