"""The province's secrets: key transforms of every tier (DESIGN 5) and the seals of both stores."""

import os
import threading

from yingbin.errors import BadConfiguration, NotFound
from yingbin.galleries import protect
from yingbin.galleries.protect import BadVector, Transform, Vector
from yingbin.trust.keystore import KeyStore
from yingbin.trust.seal import Sealer

KEY_BYTES = 32
_KEY_CONTEXT = "template-key"
_VECTOR_CONTEXT = "template"


class Keys:
    """Typed access to the key store. Names: `transform/province|city/<id>|box/<id>`, `identity`, `templates`."""

    def __init__(self, store: KeyStore, dimension: int) -> None:
        self._store = store
        self._dimension = dimension
        self._lock = threading.Lock()
        self._known: dict[str, Transform] = {}
        self._identity = Sealer(store.get_or_create("identity", KEY_BYTES))
        self._template_keys = Sealer(store.get_or_create("templates", KEY_BYTES))
        self.staff_token_key = store.get_or_create("staff-tokens", KEY_BYTES)
        self._province = self._create_once("transform/province")

    def create_city(self, city_id: str) -> None:
        """Make and keep R_city."""
        self._create_once(f"transform/city/{city_id}")

    def create_box(self, box_id: str) -> Transform:
        """Make and keep R_box; return it for the box's bundle."""
        return self._create_once(f"transform/box/{box_id}")

    def box_to_city(self, box_id: str, city_id: str) -> Transform:
        """Return R_city R_box^T."""
        return protect.between(self._get(f"transform/box/{box_id}"), self._get(f"transform/city/{city_id}"))

    def raw_to_city(self, city_id: str) -> Transform:
        """Return R_city: whoever has it can compare this city's templates with faces from anywhere."""
        return self._get(f"transform/city/{city_id}")

    def to_province(self, vector: Vector) -> Vector:
        """Map a raw unit vector, fp32 (d,), into the province's domain."""
        return protect.normalise(protect.apply(self._province, vector))

    def city_to_province(self, city_id: str, vectors: Vector) -> Vector:
        """Map a city's vectors, fp32 (n, d), into the province's domain."""
        return protect.apply(protect.between(self._get(f"transform/city/{city_id}"), self._province), vectors)

    def province_to_city(self, city_id: str) -> Transform:
        """Return R_city R_prov^T."""
        return protect.between(self._province, self._get(f"transform/city/{city_id}"))

    def seal_record(self, customer_id: str, record: bytes) -> bytes:
        """Seal a customer's record."""
        return self._identity.seal(record, f"customer/{customer_id}")

    def open_record(self, customer_id: str, sealed: bytes) -> bytes:
        """Undo `seal_record`. Raises `SealBroken`."""
        return self._identity.open(sealed, f"customer/{customer_id}")

    def seal_vector(self, vector: Vector) -> tuple[bytes, bytes]:
        """Return (key sealed for the identity store, vector sealed under that key for the template store)."""
        key = os.urandom(KEY_BYTES)
        sealed = Sealer(key).seal(protect.encode_template(vector), _VECTOR_CONTEXT)
        return self._template_keys.seal(key, _KEY_CONTEXT), sealed

    def open_vector(self, key_sealed: bytes, vector_sealed: bytes) -> Vector:
        """Undo `seal_vector`. Raises `SealBroken`."""
        key = self._template_keys.open(key_sealed, _KEY_CONTEXT)
        return protect.decode_template(Sealer(key).open(vector_sealed, _VECTOR_CONTEXT), self._dimension)

    def _create_once(self, name: str) -> Transform:
        try:
            return self._get(name)
        except NotFound:
            self._store.put(name, protect.encode_transform(protect.random_transform(self._dimension)))
            return self._get(name)

    def _get(self, name: str) -> Transform:
        with self._lock:
            if name not in self._known:
                try:
                    self._known[name] = protect.decode_transform(self._store.get(name), self._dimension)
                except BadVector as error:
                    raise BadConfiguration(
                        f"{name} in the key store was made for another model pack ({error.message}); "
                        "changing packs needs new keys and enrolling again"
                    ) from error
            return self._known[name]
