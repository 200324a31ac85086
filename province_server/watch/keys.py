"""The keys of the watch lists: for each a domain of its own here and in every city, and a seal of its own."""

import os

from province_server.keys import KEY_BYTES, Keys
from yingbin.galleries import protect
from yingbin.galleries.protect import Domain, Vector
from yingbin.trust.keystore import KeyStore
from yingbin.trust.seal import Sealer
from yingbin.trust.watch import WatchList


class WatchKeys:
    """Names in the key store: `transform/watch/<list>`, `transform/watch/<list>/<city>`, `seal/watch/<list>`."""

    def __init__(self, keys: Keys, store: KeyStore, dimension: int) -> None:
        self._keys = keys
        self._store = store
        self._dimension = dimension

    def domain(self, watch_list: WatchList) -> Domain:
        """Return the list's domain in the template store."""
        return self._keys.create(f"transform/watch/{watch_list}")

    def to_city(self, watch_list: WatchList, city_id: str, city: Domain) -> bytes:
        """Return the map from a city's domain into the list's domain there, as `feed_wire.WatchMap` has it."""
        return protect.encode_transform(self._keys.map(city, self._at_city(watch_list, city_id)))

    def seal_subject(self, watch_list: WatchList, entry_id: str, subject: str) -> bytes:
        """Seal who an entry is about."""
        return self._sealer(watch_list).seal(subject.encode(), f"subject/{entry_id}")

    def open_subject(self, watch_list: WatchList, entry_id: str, sealed: bytes) -> str:
        """Undo `seal_subject`. Raises `SealBroken`."""
        return self._sealer(watch_list).open(sealed, f"subject/{entry_id}").decode()

    def seal_vector(self, watch_list: WatchList, entry_id: str, vector: Vector) -> tuple[bytes, bytes]:
        """Return (key sealed for the identity store, vector sealed for the template store).

        `vector`: raw, unit fp32 (d,). Its key is destroyed with the entry.
        """
        key = os.urandom(KEY_BYTES)
        protected = protect.normalise(protect.apply(self.domain(watch_list).transform, vector))
        sealed = Sealer(key).seal(protect.encode_template(protected), f"watch/{entry_id}")
        return self._sealer(watch_list).seal(key, f"key/{entry_id}"), sealed

    def vector_at_city(
        self, watch_list: WatchList, entry_id: str, city_id: str, key_sealed: bytes, vector_sealed: bytes
    ) -> bytes:
        """Return an entry's template as `feed_wire.WatchEntry` has it. Raises `SealBroken`."""
        key = self._sealer(watch_list).open(key_sealed, f"key/{entry_id}")
        vector = protect.decode_template(Sealer(key).open(vector_sealed, f"watch/{entry_id}"), self._dimension)
        there = self._keys.mapped(vector[None, :], self.domain(watch_list), self._at_city(watch_list, city_id))[0]
        return protect.encode_template(there)

    def _at_city(self, watch_list: WatchList, city_id: str) -> Domain:
        return self._keys.create(f"transform/watch/{watch_list}/{city_id}")

    def _sealer(self, watch_list: WatchList) -> Sealer:
        return Sealer(self._store.get_or_create(f"seal/watch/{watch_list}", KEY_BYTES))
