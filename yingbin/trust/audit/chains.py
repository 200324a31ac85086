"""The two kinds of chain, and where their keys are: the province's, and one of each city."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yingbin.storage import city, province
from yingbin.trust.audit.ledger import Ledger
from yingbin.trust.audit.record import Pseudonyms
from yingbin.trust.devices import DeviceKey
from yingbin.trust.keystore import KeyStore

PROVINCE: Final = "province"
SIGNING_KEY: Final = "audit-signing"
PSEUDONYM_KEY: Final = "audit-pseudonyms"
"""Names in the key store. Destroying the second makes the trail anonymous for good."""
_KEY_BYTES: Final = 32


def province_ledger(keystore: KeyStore) -> Ledger:
    """Return the province's ledger, in its identity store. Keys that are missing are made."""
    signing = Ed25519PrivateKey.from_private_bytes(keystore.get_or_create(SIGNING_KEY, _KEY_BYTES))
    return Ledger(PROVINCE, DeviceKey(signing), _pseudonyms(keystore), province.AUDIT)


def city_ledger(city_id: str, key: DeviceKey, keystore: KeyStore) -> Ledger:
    """Return a city's ledger, signed with the key the city is registered by. A missing key of pseudonyms is made."""
    return Ledger(city_id, key, _pseudonyms(keystore), city.AUDIT)


def _pseudonyms(keystore: KeyStore) -> Pseudonyms:
    return Pseudonyms(keystore.get_or_create(PSEUDONYM_KEY, _KEY_BYTES))
