"""A province with real faces for the admin pages, and a browser that signs in there.

`PYTHONPATH=tests/helpers python tests/services/admin_house.py FOLDER` writes pictures of every page into FOLDER.
"""

import base64
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import insightface
import skimage.data
import uvicorn
from browsing import browser
from playwright.sync_api import Browser, Page, ViewportSize, expect
from programmes import NOBODY_HELD_OUT
from pydantic import SecretStr

from province_server.app import Stores, build
from province_server.enrolment import EngineReader
from province_server.settings import ProvinceSettings
from province_server.staff import first_admin
from yingbin.faces.engine import FaceEngine
from yingbin.faces.pack import ModelPack
from yingbin.http.serve import bind
from yingbin.ids import now_ms
from yingbin.trust.devices import DeviceKey

ADMIN, PASSWORD = "admin", "a long password"
DAY_MS = 86_400_000
OFFICE = ("enroller", "auditor", "security_officer", "analyst")
SIZES = {"desk": (1280, 800), "tablet": (820, 1180)}
_FACES = Path(insightface.__file__).parent / "data" / "images"


def photos(folder: Path) -> dict[str, Path]:
    """Write the photos: two of one woman, a man, a group, a blurred one."""
    woman = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    group = cv2.imread(str(_FACES / "t1.jpg"))
    assert group is not None
    pictures = {
        "woman": woman,
        "woman_again": cv2.convertScaleAbs(woman[:400, 40:460], alpha=0.9, beta=12),
        "man": cv2.imread(str(_FACES / "Tom_Hanks_54745.png")),
        "group": group,
        "blurred": cv2.GaussianBlur(woman, (0, 0), 7),
    }
    paths = {name: folder / f"{name}.jpg" for name in pictures}
    for name, picture in pictures.items():
        assert cv2.imwrite(str(paths[name]), picture)
    return paths


class AdminHouse:
    """A running province; `call` speaks to it as its administrator."""

    def __init__(self, folder: Path) -> None:
        self.settings = ProvinceSettings(
            database_url=f"sqlite:///{folder / 'identity.db'}",
            templates_database_url=f"sqlite:///{folder / 'templates.db'}",
            keystore_file=folder / "keys",
            keystore_passphrase=SecretStr("correct horse"),
            programme_file=NOBODY_HELD_OUT,
            photo_checks_per_s=20,
        )
        stores = Stores.open(self.settings)
        first_admin(stores.identity, ADMIN, PASSWORD)
        province = build(self.settings, stores, EngineReader(FaceEngine.load(ModelPack.load())))
        listener = bind("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._notifier = province.notifier
        self._server = uvicorn.Server(uvicorn.Config(province.app, log_config=None, timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self._http = httpx.Client(base_url=f"{self.url}/v1/", timeout=20)
        self._sessions: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        self._http.close()
        self._notifier.close()
        self._server.should_exit = True
        self._thread.join(10)

    def session(self, staff_id: str) -> dict[str, Any]:
        """Return the session of somebody, signed in once."""
        if staff_id not in self._sessions:
            made = self._http.post("sessions", json={"staff_id": staff_id, "password": PASSWORD}).json()
            self._sessions[staff_id] = {"token": made["token"], "expiresAt": made["expires_at_ms"]}
        return self._sessions[staff_id]

    def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.session(ADMIN)['token']}"}
        reply = self._http.request(method, path, headers=headers, **options)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    def furnish(self) -> None:
        """Register a city, branches, devices, assessments and staff."""
        city = self.call("POST", "cities", json={"name": "成都", "public_key_base64": public_key()})["city_id"]
        names = (("天府支行", "Tianfu branch"), ("锦江支行", "Jinjiang branch"))
        self.branches = [
            self.call("POST", "branches", json={"city_id": city, "name_zh": zh, "name_en": en})["branch_id"]
            for zh, en in names
        ]
        scope = {"roles": ["entrance", "ticket_machine"], "modes": ["feature"], "galleries": ["vip", "potential"]}
        assessments = [
            self.call("POST", "assessments", json={**scope, "expires_at_ms": now_ms() + days * DAY_MS})["assessment_id"]
            for days in (340, 21)
        ]
        for branch, assessment in zip(self.branches, assessments, strict=True):
            body = {"branch_id": branch, "public_key_base64": public_key()}
            box = self.call("POST", "boxes", json=body)["box_id"]
            for role, of in (("entrance", assessment), ("ad_screen", None)):
                camera = {"branch_id": branch, "box_id": box, "role": role, "assessment_id": of}
                self.call("POST", "cameras", json=camera)
        for role in OFFICE:
            staff = {"staff_id": f"{role}-1", "display_name": f"{role} 一号", "role": role, "password": PASSWORD}
            self.call("POST", "staff", json=staff)
        for number, (name, role) in enumerate((("王经理", "rm"), ("李经理", "account_manager"), ("赵大堂", "lobby"))):
            at_branch = {"branch_id": self.branches[number % 2], "pin": "493817", "on_duty": number == 0}
            self.call(
                "POST", "staff", json={"staff_id": f"s-{number}", "display_name": name, "role": role, **at_branch}
            )
        shift = {"staff_id": "s-2", "branch_id": self.branches[0], "from_ms": now_ms() + DAY_MS}
        self.call("POST", "shifts", json={**shift, "until_ms": shift["from_ms"] + DAY_MS // 3})

    def customer(self, customer_id: str, name: str = "欧阳敏", photo: Path | None = None, **change: Any) -> None:
        """Register somebody; with a photo he consents and is enrolled."""
        record = {
            "customer_id": customer_id,
            "full_name": name,
            "gender": "female",
            "birth_date": "1980-02-29",
            "tier": "vip_gold",
            "home_branch_id": self.branches[0],
            "profile": {"as_of": "2026-11-01", "demand_deposit_fen": 48_620_055, "holdings": ["mobile_bank"]},
        }
        self.call("POST", "customers", json={**record, **change})
        if photo is None:
            return
        for purpose in ("vip_service", "central_storage"):
            given = {"notice_version": "2026-1", "evidence": "签字单 0417"}
            self.call("PUT", f"customers/{customer_id}/consents/{purpose}", json=given)
        files = {"photo": ("p.jpg", photo.read_bytes())}
        self.call("POST", f"customers/{customer_id}/photos", files=files, data={"gallery": "vip"})


def public_key() -> str:
    return base64.b64encode(DeviceKey.generate().public_bytes).decode()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[AdminHouse]:
    """Yield a furnished province."""
    house = AdminHouse(folder)
    try:
        house.furnish()
        yield house
    finally:
        house.close()


def open_admin(house: AdminHouse, chromium: Browser, size: str = "desk", staff_id: str = ADMIN) -> Page:
    """Open the admin pages with the session of somebody who has signed in."""
    width, height = SIZES[size]
    size_px: ViewportSize = {"width": width, "height": height}
    context = chromium.new_context(viewport=size_px, locale="zh-CN", reduced_motion="reduce")
    kept = json.dumps(json.dumps(house.session(staff_id)))
    context.add_init_script(f"sessionStorage.setItem('yingbin.admin.session', {kept})")
    page = context.new_page()
    page.goto(f"{house.url}/admin/")
    expect(page.locator(".page[data-page]")).to_be_visible()
    return page


def settled(page: Page) -> None:
    """Wait until the page shows what its address names, and what it asked for."""
    expect(page.locator(f'.page[data-address="#{page.url.partition("#")[2]}"]')).to_be_visible()
    expect(page.locator(".bone")).to_have_count(0)
    expect(page.locator(".loading")).to_be_hidden()


def show(page: Page, house: AdminHouse, address: str) -> None:
    """Go to a page and wait until it shows what it asked for."""
    page.goto(f"{house.url}/admin/#/{address}")
    settled(page)


def main(folder: Path) -> None:
    """Write pictures of the pages in both languages and sizes."""
    with tempfile.TemporaryDirectory() as work, running(Path(work)) as house, browser() as chromium:
        faces = photos(Path(work))
        house.customer("C-1001", photo=faces["woman"])
        house.customer("C-1002", "陈明", photo=faces["man"], gender="male", tier="vip_diamond")
        house.customer("C-1003", "林晓", tier="potential")
        for size in SIZES:
            page = open_admin(house, chromium, size)
            names = [link.get_attribute("data-testid") for link in page.locator("[data-testid^=nav-]").all()]
            for language in ("zh", "en"):
                page.get_by_test_id(f"language-{language}").click()
                for name in [*(str(name).removeprefix("nav-") for name in names), "customers/C-1001"]:
                    show(page, house, name)
                    page.screenshot(path=folder / f"{size}-{language}-{name.replace('/', '-')}.png")
            page.context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
