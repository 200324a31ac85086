"""Founds the bank of the demo through the public interfaces: cities, branches, staff, a camera box, guests."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.api import Api, Refused
from demo.guests import Guest, NobodyToEnrol
from demo.house import House, Server
from demo.night import pass_a_night
from yingbin.errors import NotAuthenticated, Unavailable
from yingbin.ids import new_id, now_ms
from yingbin.offers.profile import china_today
from yingbin.trust.consent import Gallery
from yingbin.trust.devices import DeviceKey

_DAY_MS = 86_400_000
_FEED_TIMEOUT_S = 60.0
_RM, _RM_ELSEWHERE, _MANAGER = "rm_wang", "rm_zhao", "manager_liu"
_NOTICE = {"notice_version": "demo-1", "evidence": "invented customer of the demo"}

Say = Callable[[str], None]
Step = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Bank:
    """A running bank, and what the demo needs to know of it. `people`: customer id -> person."""

    city_url: str
    camera_id: str
    box_settings: dict[str, Any]
    pad_token: str
    people: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Place:
    city_id: str
    branch_id: str
    key_file: Path


class Founder:
    """Builds a `Bank` in an empty run folder. `say` reports what a person should know, `step` enrolment's progress."""

    def __init__(self, house: House, *, port: int, say: Say, step: Step) -> None:
        self._house = house
        self._folder = house.folder
        self._port = port
        self._say = say
        self._step = step

    def found(self, guests: list[Guest]) -> Bank:
        """Start province and cities, register everything, enrol. Raises `NobodyToEnrol`, `TierFailed`, `Refused`."""
        province_url = self._start_province()
        with self.office() as province:
            here = self._register_city(province, "here", "滨江支行(演示)", "Riverside branch (demo)")
            elsewhere = self._register_city(province, "elsewhere", "湖畔支行(演示)", "Lakeside branch (demo)")
            rm_pin, manager_pin = _pin(), _pin()
            self._add_staff(province, _RM, "王经理(演示)", "rm", here, rm_pin)
            self._add_staff(province, _RM_ELSEWHERE, "赵经理(演示)", "rm", elsewhere, _pin())
            box = self._register_box(province, here)
            city = self._start_city(province_url, here, "city-here", self._port)
            other_city = self._start_city(province_url, elsewhere, "city-elsewhere", 0)
            people = self._enrol(province, guests, here, elsewhere)
            pass_a_night(province, self._folder / "bank", guests, people)
            # The feed is in order: when the city knows whom we add last, it knows everybody enrolled before.
            self._add_staff(province, _MANAGER, "刘行长(演示)", "branch_manager", here, manager_pin, on_duty=False)
        city_url = city.url()
        other_city.url()
        with Api(city_url) as desk:
            _sign_in_at_city(desk, _MANAGER, manager_pin)
            token = _sign_in_at_city(desk, _RM, rm_pin)
        return Bank(city_url, box.pop("camera_id"), {**box, "city_url": _box_address(city_url)}, token, people)

    def found_branches(self, guests: list[Guest], count: int, modes: Mapping[int, str] | None = None) -> list[Bank]:
        """Start province and one city of `count` branches, each with its own box and tablet; enrol everybody there.

        Visits are kept by branch, so what one branch saw does not carry over to another. `modes` names the mode of a
        branch's camera (branch 1 is the first) where it is not `feature`. Raises as `found`.
        """
        province_url = self._start_province()
        with self.office() as province:
            first = self._register_city(province, "city", "一号支行(测试)", "Branch 1 (trial)")
            further = [
                self._register_branch(
                    province, first.city_id, first.key_file, f"{n}号支行(测试)", f"Branch {n} (trial)"
                )
                for n in range(2, count + 1)
            ]
            places = [first, *further]
            self._add_staff(province, _RM, "王经理(测试)", "rm", first, _pin())
            boxes = [
                self._register_box(province, place, f"box-{n}", (modes or {}).get(n, "feature"))
                for n, place in enumerate(places, 1)
            ]
            city = self._start_city(province_url, first, "city", self._port)
            people = self._enrol(province, guests, first, first)
            pins = [_pin() for _ in places]
            for number, (place, pin) in enumerate(zip(places, pins, strict=True), 1):
                self._add_staff(province, f"manager_{number}", "行长(测试)", "branch_manager", place, pin)
        city_url = city.url()
        with Api(city_url) as desk:
            tokens = [_sign_in_at_city(desk, f"manager_{number}", pin) for number, pin in enumerate(pins, 1)]
        return [
            Bank(city_url, box.pop("camera_id"), {**box, "city_url": _box_address(city_url)}, token, people)
            for box, token in zip(boxes, tokens, strict=True)
        ]

    def found_cities(self, guests: list[Guest], count: int) -> list[Bank]:
        """Start province and `count` cities of one branch, each with its own box and tablet; enrol all in the first.

        In the others they are guests. Raises as `found`.
        """
        province_url, banks = self._start_province(), []
        with self.office() as province:
            places = [
                self._register_city(province, f"city-{n}", "测试支行", "Trial branch") for n in range(1, count + 1)
            ]
            self._add_staff(province, _RM, "王经理(测试)", "rm", places[0], _pin())
            boxes = [self._register_box(province, place, f"box-{n}") for n, place in enumerate(places, 1)]
            cities = [self._start_city(province_url, place, f"city-{n}", 0) for n, place in enumerate(places, 1)]
            people = self._enrol(province, guests, places[0], places[0])
            for number, (place, box, city) in enumerate(zip(places, boxes, cities, strict=True), 1):
                manager, pin, url = f"manager_{number}", _pin(), city.url()
                self._add_staff(province, manager, "行长(测试)", "branch_manager", place, pin)
                with Api(url) as desk:
                    token = _sign_in_at_city(desk, manager, pin)
                line = {**box, "city_url": _box_address(url)}
                banks.append(Bank(url, line.pop("camera_id"), line, token, people))
        return banks

    def office(self) -> Api:
        """Return a client of the province, signed in as its administrator; whoever gets it closes it."""
        province = Api(self._province_url)
        province.use_token(self._sign_in_at_province(province))
        return province

    def _start_province(self) -> str:
        self._password = secrets.token_urlsafe(18)
        environment = {"YINGBIN_PROVINCE_KEYSTORE_PASSPHRASE": secrets.token_urlsafe(24)}
        config = write_toml(
            self._folder / "province.toml",
            {
                "port": 0,
                "database_url": f"sqlite:///{self._folder / 'province.db'}",
                "templates_database_url": f"sqlite:///{self._folder / 'templates.db'}",
                "keystore_file": str(self._folder / "province.keys"),
                "programme_file": str(Path(__file__).with_name("programme.toml")),
            },
        )
        self._house.run(
            "bootstrap",
            ["province", "bootstrap", "--staff-id", "admin", "--config", str(config)],
            {**environment, "YINGBIN_BOOTSTRAP_PASSWORD": self._password},
        )
        serving = self._house.serve("province", ["province", "serve", "--config", str(config)], environment)
        self._province_url = serving.url()
        return self._province_url

    def _sign_in_at_province(self, province: Api) -> str:
        who = {"staff_id": "admin", "password": self._password}
        return str(province.call("POST", "/v1/sessions", json=who)["token"])

    def _register_city(self, province: Api, name: str, branch_zh: str, branch_en: str) -> _Place:
        key_file = self._folder / f"{name}.key"
        body = {"name": f"{name} (demo)", "public_key_base64": _make_key(key_file)}
        city_id = province.call("POST", "/v1/cities", json=body)["city_id"]
        return self._register_branch(province, city_id, key_file, branch_zh, branch_en)

    def _register_branch(self, province: Api, city_id: str, key_file: Path, branch_zh: str, branch_en: str) -> _Place:
        branch = {"city_id": city_id, "name_zh": branch_zh, "name_en": branch_en}
        return _Place(city_id, province.call("POST", "/v1/branches", json=branch)["branch_id"], key_file)

    def _add_staff(
        self, province: Api, staff_id: str, name: str, role: str, place: _Place, pin: str, *, on_duty: bool = True
    ) -> None:
        body = {"staff_id": staff_id, "display_name": name, "role": role, "pin": pin, "on_duty": on_duty}
        province.call("POST", "/v1/staff", json={**body, "branch_id": place.branch_id})

    def _register_box(self, province: Api, place: _Place, name: str = "box", mode: str = "feature") -> dict[str, Any]:
        key_file, bundle_file = self._folder / f"{name}.key", self._folder / f"{name}.bundle"
        public = _make_key(key_file)
        bundle = province.call("POST", "/v1/boxes", json={"branch_id": place.branch_id, "public_key_base64": public})
        bundle_file.touch(mode=0o600)
        bundle_file.write_text(json.dumps(bundle), "utf-8")
        assessment = {
            "expires_at_ms": now_ms() + _DAY_MS,
            "roles": ["entrance"],
            "modes": [mode],
            "galleries": [gallery.value for gallery in Gallery],
        }
        camera = {
            "branch_id": place.branch_id,
            "box_id": bundle["box_id"],
            "role": "entrance",
            "mode": mode,
            "assessment_id": province.call("POST", "/v1/assessments", json=assessment)["assessment_id"],
        }
        camera_id = province.call("POST", "/v1/cameras", json=camera)["camera_id"]
        return {"camera_id": camera_id, "key_file": str(key_file), "bundle_file": str(bundle_file)}

    def _start_city(self, province_url: str, place: _Place, name: str, port: int) -> Server:
        config = write_toml(
            self._folder / f"{name}.toml",
            {
                "city_id": place.city_id,
                "port": port,
                "key_file": str(place.key_file),
                "database_url": f"sqlite:///{self._folder / f'{name}.db'}",
                "keystore_file": str(self._folder / f"{name}.keys"),
                "province_url": province_url,
            },
        )
        secret = {"YINGBIN_CITY_KEYSTORE_PASSPHRASE": secrets.token_urlsafe(24)}
        return self._house.serve(name, ["city", "serve", "--config", str(config)], secret)

    def _enrol(self, province: Api, guests: list[Guest], here: _Place, elsewhere: _Place) -> dict[str, str]:
        people: dict[str, str] = {}
        total = sum(len(guest.photos) for guest in guests)
        done = 0
        for guest in guests:
            place, rm = (elsewhere, _RM_ELSEWHERE) if guest.elsewhere else (here, _RM)
            customer_id = self._register_customer(province, guest, place, rm)
            accepted = 0
            for photo in guest.photos:
                accepted += self._enrol_photo(province, guest, customer_id, photo.name, photo.content)
                done += 1
                self._step(done, total)
            if accepted:
                people[customer_id] = guest.person
            else:
                province.call("DELETE", f"/v1/customers/{customer_id}")
                self._say(f"{guest.person}: no photo could be used, so this person is not enrolled")
        if not people:
            raise NobodyToEnrol("not one photo could be enrolled; the reasons are above")
        return people

    def _register_customer(self, province: Api, guest: Guest, place: _Place, rm: str) -> str:
        customer_id = new_id()
        today = china_today()
        record = guest.customer.record(customer_id, place.branch_id, rm, today)
        province.call("POST", "/v1/customers", json=record.model_dump(mode="json"))
        for purpose in guest.customer.purposes:
            province.call("PUT", f"/v1/customers/{customer_id}/consents/{purpose}", json=_NOTICE)
        return customer_id

    def _enrol_photo(self, province: Api, guest: Guest, customer_id: str, name: str, content: bytes) -> bool:
        form = {"gallery": guest.customer.gallery.value}
        try:
            province.call("POST", f"/v1/customers/{customer_id}/photos", data=form, files={"photo": (name, content)})
        except Refused as refusal:
            self._say(f"{name}: not enrolled: {refusal.message}")
            return False
        return True


def write_toml(
    path: Path, values: Mapping[str, object], tables: Mapping[str, list[dict[str, object]]] | None = None
) -> Path:
    """Write settings as TOML (strings, numbers and booleans are written as JSON, which TOML shares); 0600."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    for table, entries in (tables or {}).items():
        for entry in entries:
            lines += [f"[[{table}]]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())]
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _make_key(path: Path) -> str:
    """Make a device key, as `yingbin keys device` does, and return its public half in base64."""
    key = DeviceKey.generate()
    key.save(path)
    return base64.b64encode(key.public_bytes).decode()


def _pin() -> str:
    return f"{secrets.randbelow(10**8):08d}"


def _sign_in_at_city(city: Api, staff_id: str, pin: str) -> str:
    deadline = time.monotonic() + _FEED_TIMEOUT_S
    while True:
        try:
            return str(city.call("POST", "/v1/sessions", json={"staff_id": staff_id, "pin": pin})["token"])
        except (NotAuthenticated, Unavailable) as error:  # not caught up with the province yet
            if time.monotonic() > deadline:
                raise Unavailable("the city has not applied the province's feed in time") from error
            time.sleep(0.5)


def _box_address(city_url: str) -> str:
    return city_url.replace("http", "ws", 1) + "/v1/box"
