"""Portraits as the nightly job would find them, written by hand."""

from datetime import date, timedelta
from typing import Any

import msgspec
from province_harness import City, World

from province_server.portraits.load import Loaded
from yingbin.offers.portrait.definitions import packaged_tags
from yingbin.offers.profile import china_today
from yingbin.portrait_wire import PortraitPage

TODAY = china_today()
TAGS = packaged_tags()
STEADY = {"assets_fen": "36000000", "age_band": "from_45", "asset_trend": "stable", "spends_abroad": "true"}


def portrait(customer_id: str, tags: dict[str, str], as_of: date = TODAY, days: int = 30) -> dict[str, Any]:
    """Return the portrait of somebody with these tags, one deposit and one purchase."""
    dates = {"as_of": as_of.isoformat(), "expires_on": (as_of + timedelta(days=days)).isoformat()}
    held = {"product": "time_deposit", "kind": "time", "balance_fen": 12_345_678, "matures_on": "2030-01-31"}
    owed = {"product": "car_loan", "kind": "loan", "balance_fen": 4_000_000, "matures_on": None}
    bought = {"day": as_of.isoformat(), "event": "bought", "detail": "wealth_r2"}
    return {
        "customer_id": customer_id,
        "tags": [{"tag": tag, "value": value, **dates} for tag, value in tags.items()],
        "holdings": [{**held, **dates}, {**owed, **dates}],
        "timeline": [{**bought, **dates}],
    }


def load(world: World, *items: dict[str, Any], as_of: date = TODAY) -> dict[str, int]:
    """Load portraits; return the counts that are not 0."""
    reply = world.call("POST", "portraits", json={"as_of": as_of.isoformat(), "items": items})
    assert reply.status_code == 200, reply.text
    return {what: count for what, count in Loaded(**reply.json()).model_dump().items() if count}


def shown(city: City, customer_id: str, card_id: str = "") -> PortraitPage:
    """Return what a manager of the city is shown at a visit."""
    params = {"staff_id": city.manager(), "card_id": card_id}
    reply = city.ask("GET", f"customers/{customer_id}/portrait", params=params)
    assert reply.status_code == 200, reply.text
    return msgspec.json.decode(reply.content, type=PortraitPage)


def values(page: PortraitPage) -> dict[str, str]:
    """Return tag -> what is said of it in English."""
    return {tag.tag: tag.en for group in page.groups for tag in group.tags}
