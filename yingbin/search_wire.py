"""What a city has the province search for: misses of its own gallery, in batches; msgpack bodies, `/v1/city/search`."""

from typing import Final

import msgspec

from yingbin.feed_wire import CardView
from yingbin.wire import Outcome


class Probe(msgspec.Struct, frozen=True):
    """A miss of the city, in its domain `key_id`, to be searched in the whole province; never written down (C2)."""

    camera_id: str
    assessment_id: str
    look: int
    shots: int
    vector: bytes
    key_id: str
    purpose: str = "vip_service"


MAX_PROBES: Final = 64
"""In one request; 64 probes of 512 numbers are 49 kB."""


class SearchRequest(msgspec.Struct, frozen=True):
    """A batch of misses, `MAX_PROBES` at most."""

    pack_id: str
    probes: tuple[Probe, ...]


class SearchHit(msgspec.Struct, frozen=True):
    """Who it is, or the advice to send a better shot. No score ever leaves the province."""

    outcome: Outcome
    card_view: CardView | None


class SearchReply(msgspec.Struct, frozen=True):
    """One hit per probe, in order."""

    hits: tuple[SearchHit, ...]
