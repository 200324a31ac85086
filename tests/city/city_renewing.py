"""A province that renews its city's key, and gives the city the feed in the new domain as slowly as a test wants."""

import time

import msgspec
import numpy as np
from city_people import DIMENSION
from city_province import Province
from fastapi import Request, Response

from city_server.memory import checksum
from yingbin import feed_wire, wire
from yingbin.galleries.protect import Transform, apply, between, encode_template, encode_transform, random_transform
from yingbin.ids import now_ms

OLD, NEW = "k", "k-new"


class RenewingProvince(Province):
    """Of the feed in the new domain, the city is given one entry a page, and those before `next_up_to`."""

    r_next: Transform | None = None
    next_up_to = 0
    serves_next = False
    next_asked_after = -1
    """How far the city says that its heir is."""
    renewed = False

    def renew(self) -> None:
        """Begin to replace R_city."""
        self.r_next = random_transform(DIMENSION)
        back_and_forth = between(self.r_city, np.eye(DIMENSION, dtype=np.float32)) @ self.r_next
        for name, (raw, view) in list(self.elsewhere.items()):  # found whichever domain the probe is in
            self.elsewhere[f"{name} in the new domain"] = (apply(back_and_forth, raw), view)

    def finish(self) -> None:
        """Forget the old R_city."""
        assert self.r_next is not None
        self.entries = [self._moved(entry) for entry in self.entries]
        self.elsewhere = {name: one for name, one in self.elsewhere.items() if not name.endswith("new domain")}
        self.r_city, self.r_next, self.renewed = self.r_next, None, True

    def _feed(self, request: Request, after: int, wait_s: int, key_id: str = "") -> Response:
        refused = self._check(request)
        if self.r_next is None:
            reply = refused or super()._feed(request, after if key_id == self._now else 0, wait_s)
            return reply if refused else self._renamed(reply, self._now)
        if refused:
            return refused
        if key_id == NEW:
            time.sleep(0.005)
            return Response(wire.encode(self._next_page(after)))
        return self._renamed(super()._feed(request, after, 0), NEW)

    @property
    def _now(self) -> str:
        return NEW if self.renewed else OLD

    def _renamed(self, reply: Response, newest: str) -> Response:
        if reply.status_code != 200:
            return reply
        page = wire.decode(bytes(reply.body), feed_wire.FeedPage)
        return Response(wire.encode(msgspec.structs.replace(page, key_id=self._now, newest_key_id=newest)))

    def _next_page(self, after: int) -> feed_wire.FeedPage:
        self.next_asked_after = after
        head = len(self.entries)
        self.serves_next = self.serves_next or 0 < after == head
        up_to = max(after, min(after + 1, self.next_up_to, head))
        entries = tuple(self._moved(entry) for entry in self.entries[after:up_to])
        lease_until_ms = now_ms() + self.lease_ms
        return feed_wire.FeedPage(after == 0, entries, up_to, head, checksum(entries), lease_until_ms, NEW, NEW)

    def _moved(self, entry: feed_wire.FeedEntry) -> feed_wire.FeedEntry:
        assert self.r_next is not None
        if entry.payload is None or entry.kind not in {feed_wire.FeedKind.TEMPLATE, feed_wire.FeedKind.BOX}:
            return entry
        thing, change = feed_wire.feed_payload(entry), between(self.r_city, self.r_next)
        if isinstance(thing, feed_wire.Box):
            maps = {name: np.frombuffer(raw, "<f4").reshape(DIMENSION, -1) for name, raw in thing.to_city.items()}
            moved = {name: encode_transform(change @ to_city) for name, to_city in maps.items()}
            thing = msgspec.structs.replace(thing, to_city=moved)
        else:
            vector = encode_template(apply(change, np.frombuffer(thing.vector, "<f4")))
            thing = msgspec.structs.replace(thing, vector=vector)
        return msgspec.structs.replace(entry, payload=wire.encode(thing))
