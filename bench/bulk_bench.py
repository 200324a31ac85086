"""`yingbin bench bulk`: a long list enrolled with its photos, while somebody looks at the admin pages.

The list goes through `yingbin province enrol` into a real province, which looks at every photo with the model pack.
There are no photos of 10,000 people to give away: those of the demo come again and again, and `rehearse --photos` has
each be somebody else. All else is as in earnest.
"""

import csv
import secrets
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import httpx
import numpy as np

from bench.enrol_bench import rss_mb, write_settings
from bench.search_bench import RunFailed
from demo.api import Api
from demo.cast import load_cast
from demo.guests import guests_of_cast
from demo.house import House, Tier
from yingbin.errors import InvalidInput
from yingbin.faces.enrolment import decode_image

Step = Callable[[int], None]
"""Called with how many rows are done."""
FULL: Final = 10_000
QUICK: Final = 500
LEAST: Final = 20
LABEL: Final = "photos of the demo over and over, each taken for somebody else"
_ADMIN: Final = "admin"
_SIDE_PX: Final = 640
_ASK_EVERY_S: Final = 0.1
_LOOK_EVERY_S: Final = 0.5
_PAGES: Final = (
    "/admin/",
    "/v1/customers?limit=50",
    "/v1/galleries/vip/members?limit=50",
    "/v1/candidates?limit=50",
    "/v1/bulk/jobs?limit=20",
)
_CONSENTS: Final = {"notice_version": "bench-1", "evidence_vip_service": "none", "evidence_central_storage": "none"}


@dataclass(slots=True)
class Reader:
    """Asks for one page after the other, as somebody at the screen does; ms each."""

    url: str
    token: str
    took_ms: list[float] = field(default_factory=list)
    failed: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Ask once, then until `stop`."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30) as http:
            while not self.took_ms or not self._stop.wait(_ASK_EVERY_S):
                page = _PAGES[len(self.took_ms) % len(_PAGES)]
                began_s = time.perf_counter()
                try:
                    self.failed += http.get(page).status_code != httpx.codes.OK
                except httpx.HTTPError:
                    self.failed += 1
                self.took_ms.append((time.perf_counter() - began_s) * 1000)

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()


def run_bulk_bench(folder: Path, rows: int, step: Step) -> dict[str, Any]:
    """Enrol a list of `rows` in the empty `folder`; return what `--json` prints.

    Raises `InvalidInput`, `RunFailed`, `TierFailed`.
    """
    if rows < LEAST:
        raise InvalidInput(f"--n {rows}: at least {LEAST} rows")
    password = secrets.token_urlsafe(18)
    config = str(write_settings(folder))
    environment = {"YINGBIN_PROVINCE_KEYSTORE_PASSPHRASE": secrets.token_urlsafe(24)}
    with House(folder) as house:
        house.run(
            "bootstrap",
            ["province", "bootstrap", "--staff-id", _ADMIN, "--config", config],
            {**environment, "YINGBIN_BOOTSTRAP_PASSWORD": password},
        )
        server = house.serve("province", ["province", "rehearse", "--photos", "--config", config], environment)
        url = server.url()
        with Api(url) as office:
            token = str(office.call("POST", "/v1/sessions", json={"staff_id": _ADMIN, "password": password})["token"])
            office.use_token(token)
            branch_id = _found(office)
            listed, photos = _write(folder, rows, branch_id)
            sent = ["--list", str(listed), "--photos", str(photos), "--staff-id", _ADMIN, "--url", url]
            sending = house.start("enrol", ["province", "enrol", *sent], {"YINGBIN_STAFF_PASSWORD": password})
            house.may_end(sending)
            return {"data": LABEL, "rows": rows, **_watch(office, Reader(url, token), server.tier, sending, step)}


def _watch(office: Api, reader: Reader, province: Tier, sending: Tier, step: Step) -> dict[str, Any]:
    asking = threading.Thread(target=reader.read)
    sizes: list[tuple[int, float]] = []
    began_s = 0.0
    try:
        while True:
            time.sleep(_LOOK_EVERY_S)
            (job,) = office.call("GET", "/v1/bulk/jobs")["items"] or [None]
            if job is None:
                if sending.exit_code is not None:
                    raise RunFailed("the list was not taken; what `province enrol` said is in its log")
                continue
            if not began_s:
                began_s = time.perf_counter()
                asking.start()
            sizes.append((job["done"], rss_mb(province.pid)))
            step(job["done"])
            if job["state"] != "running":
                break
        took_s = time.perf_counter() - began_s
    finally:
        reader.stop()
        if began_s:
            asking.join()
    if job["state"] != "done":
        raise RunFailed(f"the job ended as {job['state']}: {job['problem']}")
    p50, p95, p99 = np.percentile(reader.took_ms, (50, 95, 99))
    return {
        "enrolled": job["counts"].get("enrolled", 0),
        "refused": job["counts"].get("refused", 0),
        "took_s": round(took_s, 1),
        "page_p50_ms": round(float(p50), 1),
        "page_p95_ms": round(float(p95), 1),
        "page_p99_ms": round(float(p99), 1),
        "pages_asked": len(reader.took_ms),
        "pages_failed": reader.failed,
        "rss_at_a_tenth_mb": next(size for done, size in sizes if done >= job["total"] / 10),
        "rss_at_the_end_mb": sizes[-1][1],
        "rss_peak_mb": max(size for _, size in sizes),
    }


def _found(office: Api) -> str:
    """Register a city and a branch; return the branch."""
    city = {"name": "bench", "public_key_base64": "A" * 43 + "="}
    city_id = office.call("POST", "/v1/cities", json=city)["city_id"]
    branch = {"city_id": city_id, "name_zh": "测试支行", "name_en": "Bench branch"}
    return str(office.call("POST", "/v1/branches", json=branch)["branch_id"])


def _write(folder: Path, rows: int, branch_id: str) -> tuple[Path, Path]:
    """Write a list of invented customers, and a zip with a photo of each; return both."""
    shots = [_smaller(guest.photos[0].content) for guest in guests_of_cast(load_cast())]
    listed, photos = folder / "list.csv", folder / "photos.zip"
    with listed.open("w", newline="", encoding="utf-8") as file, zipfile.ZipFile(photos, "w") as archive:
        cells: dict[str, str] = {}
        for number in range(rows):
            name = f"c-{number:06d}"
            cells = {
                "customer_id": name, "gallery": "vip", "photo": f"{name}.jpg", **_CONSENTS, "full_name": "测试",
                "birth_date": "1980-01-01", "tier": "vip_gold", "home_branch_id": branch_id, "as_of": "2026-01-01",
            }  # fmt: skip
            if not number:
                writer = csv.DictWriter(file, list(cells))
                writer.writeheader()
            writer.writerow(cells)
            # What follows the end of a JPEG is read by nobody, and makes each another photo.
            archive.writestr(f"{name}.jpg", shots[number % len(shots)] + name.encode())
    return listed, photos


def _smaller(photo: bytes) -> bytes:
    image = decode_image(photo)
    scale = min(1.0, _SIDE_PX / max(image.shape[:2]))
    encoded = cv2.imencode(".jpg", cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))[1]
    return bytes(encoded)
