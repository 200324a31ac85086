"""The province's secrets: key transforms of every tier (DESIGN 5) and the seals of both stores, and their renewal.

A key is renewed in two steps. From `begin` on there are two, serving and newest, and what was made with either is
understood; whoever depends on it moves to the newest in his own time; `finish` destroys the old one. The key store is
the only record of where a renewal stands, so it goes on after any crash.
"""

import os
import threading

import msgspec
import numpy as np

from yingbin.errors import BadConfiguration, Conflict, NotFound
from yingbin.galleries import protect
from yingbin.galleries.protect import BadVector, Domain, Transform, Vector
from yingbin.trust.keystore import KeyStore
from yingbin.trust.seal import SealBroken, Sealer

KEY_BYTES = 32
PROVINCE = "province"
_NEXT = "/next"
_KEY_CONTEXT = "template-key"
_VECTOR_CONTEXT = "template"


class UnknownKey(Conflict):
    """A vector was made with a key that was renewed since, or never was one."""

    code = "unknown_key"


class _ProvinceKey(msgspec.Struct, frozen=True):
    """What is renewed together: R_prov, the seal of the templates' own keys, the seal of customers' records."""

    transform: bytes
    templates: bytes
    records: bytes


def city_key(city_id: str) -> str:
    """Return the name of R_city in the key store."""
    return f"transform/city/{city_id}"


def box_key(box_id: str) -> str:
    """Return the name of R_box in the key store."""
    return f"transform/box/{box_id}"


class Keys:
    """Typed access to the key store. Names: `province`, `transform/city|box/<id>`, each also with `/next`."""

    def __init__(self, store: KeyStore, dimension: int) -> None:
        self._store = store
        self._dimension = dimension
        self._lock = threading.Lock()
        self._secrets: dict[str, bytes] = {}
        self._domains: dict[str, Domain] = {}
        self._maps: dict[tuple[Domain, Domain], Transform] = {}
        self._province: list[tuple[Domain, _ProvinceKey]] = []
        self.staff_token_key = store.get_or_create("staff-tokens", KEY_BYTES)
        self.create(PROVINCE)

    # --- renewal

    def create(self, name: str) -> Domain:
        """Make a key unless there is one; return the serving one's domain."""
        with self._lock:
            if self._secret(name) is None:
                self._put(name, self._made(name))
        return self.domains(name)[0]

    def begin(self, name: str) -> Domain:
        """Make the newest key beside the serving one, unless that was done; return its domain. Raises `NotFound`."""
        with self._lock:
            serving, newest = self._secret(name), self._secret(name + _NEXT)
            if serving is None:
                raise NotFound(f"there is no key {name} to renew")
            if newest is None or newest == serving:  # the latter: a crash cut `finish` in two
                self._put(name + _NEXT, self._made(name))
        return self.domains(name)[-1]

    def finish(self, name: str) -> None:
        """Destroy the serving key; the newest takes its place. Safe to repeat."""
        with self._lock:
            newest = self._secret(name + _NEXT)
            if newest is None:
                return
            self._put(name, newest)
            self._store.destroy(name + _NEXT)
            self._secrets.pop(name + _NEXT)
            self._domains.clear()
            self._maps.clear()
            self._province = []

    def renewing(self, name: str) -> bool:
        """Return whether there are two keys of this name."""
        return len(self.domains(name)) > 1

    def domains(self, name: str) -> tuple[Domain, ...]:
        """Return the serving domain and, while it is renewed, the newest. Raises `NotFound`."""
        with self._lock:
            serving, newest = self._domain(name), self._domain(name + _NEXT)
        if serving is None:
            raise NotFound(f"no key named {name} in the key store")
        return (serving,) if newest is None or newest == serving else (serving, newest)

    def domain(self, name: str, key_id: str) -> Domain:
        """Return the domain of a key that is in use. Raises `UnknownKey`."""
        for domain in self.domains(name):
            if domain.key_id == key_id:
                return domain
        raise UnknownKey(f"{name} has no key {key_id or '(none given)'}: it was renewed, so fetch what is now in use")

    # --- vectors

    def map(self, source: Domain, target: Domain) -> Transform:
        """Return the map from one domain into another, fp32 (d, d)."""
        with self._lock:
            known = self._maps.get((source, target))
            if known is None:
                known = self._maps[source, target] = protect.between(source.transform, target.transform)
            return known

    def mapped(self, vectors: Vector, source: Domain, target: Domain) -> Vector:
        """Return unit vectors of one domain, fp32 (n, d), in another, of unit length again."""
        if source == target:
            return vectors
        moved = protect.apply(self.map(source, target), vectors)
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)

    # --- what is stored

    def seal_record(self, customer_id: str, record: bytes) -> bytes:
        """Seal a customer's record under the newest key."""
        return Sealer(self._province_keys()[-1][1].records).seal(record, f"customer/{customer_id}")

    def open_record(self, customer_id: str, sealed: bytes) -> bytes:
        """Undo `seal_record`. Raises `SealBroken`."""
        (_, serving), *newer = self._province_keys()
        for _, newest in newer:
            try:
                return Sealer(newest.records).open(sealed, f"customer/{customer_id}")
            except SealBroken:
                break  # not resealed yet
        return Sealer(serving.records).open(sealed, f"customer/{customer_id}")

    def seal_vector(self, vector: Vector) -> tuple[bytes, bytes]:
        """Return (key sealed for the identity store, vector sealed under that key for the template store).

        `vector`: unit fp32 (d,) in the province's newest domain.
        """
        key = os.urandom(KEY_BYTES)
        sealed = Sealer(key).seal(protect.encode_template(vector), _VECTOR_CONTEXT)
        return Sealer(self._province_keys()[-1][1].templates).seal(key, _KEY_CONTEXT), sealed

    def open_vector(self, key_id: str, key_sealed: bytes, vector_sealed: bytes) -> Vector:
        """Undo `seal_vector`: unit fp32 (d,) in the province's domain `key_id`. Raises `SealBroken`, `UnknownKey`."""
        sealing = next((keys.templates for domain, keys in self._province_keys() if domain.key_id == key_id), None)
        if sealing is None:
            raise UnknownKey(f"a template is sealed under the province's key {key_id}, which the key store has not")
        key = Sealer(sealing).open(key_sealed, _KEY_CONTEXT)
        return protect.decode_template(Sealer(key).open(vector_sealed, _VECTOR_CONTEXT), self._dimension)

    def _province_keys(self) -> list[tuple[Domain, _ProvinceKey]]:
        """Return what `domains` does, with the seals that go with each."""
        with self._lock:
            if not self._province:
                for name in (PROVINCE, PROVINCE + _NEXT):
                    domain, raw = self._domain(name), self._secret(name)
                    if domain and raw and domain not in dict(self._province):
                        self._province.append((domain, msgspec.msgpack.decode(raw, type=_ProvinceKey)))
            return self._province

    # --- the key store, under the lock

    def _made(self, name: str) -> bytes:
        transform = protect.encode_transform(protect.random_transform(self._dimension))
        if name != PROVINCE:
            return transform
        return msgspec.msgpack.encode(_ProvinceKey(transform, os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)))

    def _put(self, name: str, secret: bytes) -> None:
        self._store.put(name, secret)
        self._secrets[name] = secret
        self._domains.pop(name, None)
        self._province = []

    def _secret(self, name: str) -> bytes | None:
        if name not in self._secrets:
            try:
                self._secrets[name] = self._store.get(name)
            except NotFound:
                return None
        return self._secrets[name]

    def _domain(self, name: str) -> Domain | None:
        if name not in self._domains:
            raw = self._secret(name)
            if raw is None:
                return None
            if name.removesuffix(_NEXT) == PROVINCE:
                raw = msgspec.msgpack.decode(raw, type=_ProvinceKey).transform
            try:
                self._domains[name] = Domain.of(protect.decode_transform(raw, self._dimension))
            except BadVector as error:
                raise BadConfiguration(
                    f"{name} in the key store was made for another model pack ({error.message}); "
                    "changing packs needs new keys and enrolling again"
                ) from error
        return self._domains[name]
