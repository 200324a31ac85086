"""Both watch lists in a city's feed, and people who walk past its entrance."""

from typing import Any

import msgspec
from city_house import PIN_HASH, House
from city_people import DIMENSION, face
from city_province import HOUR_MS
from city_sockets import wait_for

from yingbin import feed_wire, wire
from yingbin.feed_wire import FeedKind
from yingbin.galleries.protect import apply, encode_template, encode_transform, random_transform
from yingbin.ids import now_ms
from yingbin.wire import Assessment, CameraMode, CameraRole

R_LIST = {name: random_transform(DIMENSION) for name in ("police", "overdue")}
STRANGER, WANTED = 70, 71


def entry(house: House, name: str, watch_list: str, seed: int, **changes: Any) -> feed_wire.WatchEntry:
    vector = encode_template(apply(R_LIST[watch_list], face(seed)))
    made = feed_wire.WatchEntry(
        name, watch_list, "公缉 17", now_ms() + HOUR_MS, f"某甲 {name}", house.pack.pack_id, vector
    )
    return msgspec.structs.replace(made, **changes)


def furnish(house: House, galleries: tuple[str, ...] = ("vip", "potential", "police", "overdue")) -> House:
    """Put both lists into the feed, staff who may know of them, and an entrance assessed for them."""
    put = house.province.put
    for watch_list, transform in R_LIST.items():
        # R_city is orthogonal, so its inverse is its transpose.
        from_city = encode_transform(transform @ house.province.r_city.T)
        put(FeedKind.WATCH_MAP, watch_list, feed_wire.WatchMap(watch_list, from_city))
    put(FeedKind.WATCH_ENTRY, "entry-1", entry(house, "entry-1", "police", WANTED))
    debtor = entry(house, "entry-2", "overdue", 1, told_staff_id="am-1", branch_id="branch-1")  # zhang, a VIP
    put(FeedKind.WATCH_ENTRY, "entry-2", debtor)
    for staff_id, role, branch in (
        ("am-1", "account_manager", "branch-1"), ("am-2", "account_manager", "branch-1"),
        ("guard-2", "security", "branch-2"),
    ):  # fmt: skip
        put(FeedKind.STAFF, staff_id, feed_wire.Staff(staff_id, staff_id, role, branch, PIN_HASH, on_duty=True))
    assessment = Assessment("pia-1", now_ms() + HOUR_MS, (CameraRole.ENTRANCE,), (CameraMode.FEATURE,), galleries)
    camera = house.camera("cam-1", "box-1", CameraRole.ENTRANCE, assessment=assessment)
    put(FeedKind.CAMERA, "cam-1", camera)
    return house


def seen(house: House, *seeds: int) -> list[wire.CityMessage]:
    """Have people walk past the entrance, once the city knows that it may look out for them."""
    box = house.ready_box()
    wait_for(lambda: any("police" in (c.assessment.galleries if c.assessment else ()) for c in welcome(box).cameras))
    return [box.look(face(seed), 100 + seed) for seed in seeds]


def welcome(box: Any) -> wire.Welcome:
    """Return the newest word about the box's cameras."""
    if not hasattr(box, "welcome"):
        box.welcome = box.greeting
    if not any("police" in (c.assessment.galleries if c.assessment else ()) for c in box.welcome.cameras):
        box.welcome = box.receive()
    return box.welcome  # type: ignore[no-any-return]
