"""The card views of a city, each kept as it was sent and decoded when somebody asks.

Of 200,000 customers few are looked at in a day. Decoded they would take five times the memory, and a start would wait
for every one of them.
"""

from collections.abc import ItemsView, Iterator, MutableMapping

import msgspec

from yingbin.feed_wire import CardView
from yingbin.wire import decode, encode


class Standing(msgspec.Struct, frozen=True):
    """What decides where a customer is recognised."""

    home_branch_id: str
    gallery: str
    purposes: tuple[str, ...] = ()


class CardViews(MutableMapping[str, CardView]):
    """Card views by customer id. Any thread may read while one writes."""

    def __init__(self) -> None:
        self._raw: dict[str, bytes] = {}

    def __getitem__(self, customer_id: str) -> CardView:
        return decode(self._raw[customer_id], CardView)

    def __setitem__(self, customer_id: str, view: CardView) -> None:
        self._raw[customer_id] = encode(view)

    def __delitem__(self, customer_id: str) -> None:
        del self._raw[customer_id]

    def __contains__(self, customer_id: object) -> bool:
        return customer_id in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def standing(self, customer_id: str) -> Standing | None:
        """Return a part of a view, at a tenth of the cost."""
        raw = self._raw.get(customer_id)
        return decode(raw, Standing) if raw is not None else None

    def payloads(self) -> ItemsView[str, bytes]:
        """Return every view as `put` takes it."""
        return self._raw.items()

    def put(self, customer_id: str, payload: bytes) -> Standing:
        """Store the msgpack of a view unread. Raises `BadMessage` when it cannot be one."""
        standing = decode(payload, Standing)
        self._raw[customer_id] = payload
        return standing
