"""Staff roles, PINs (Argon2id, RFC 9106) and bearer tokens (JWT, RFC 7519) of people and of cities."""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey

from yingbin.errors import NotAuthenticated
from yingbin.trust.devices import DeviceKey

STAFF_TOKEN_TTL_S: Final = 12 * 3600
"""One working day."""
CITY_TOKEN_TTL_S: Final = 60

_hasher = PasswordHasher()


class Role(StrEnum):
    """What somebody is; operations name the roles that may run them."""

    RM = "rm"
    LOBBY = "lobby"
    BRANCH_MANAGER = "branch_manager"
    ACCOUNT_MANAGER = "account_manager"
    SECURITY = "security"
    ROBOT = "robot"
    SCREEN = "screen"
    ENROLLER = "enroller"
    GALLERY_ADMIN = "gallery_admin"
    PRODUCT_MANAGER = "product_manager"
    AUDITOR = "auditor"
    SECURITY_OFFICER = "security_officer"
    BRANCH_IT = "branch_it"
    ANALYST = "analyst"


class StaffToken(msgspec.Struct, frozen=True):
    """Who a request comes from. `branch_id` is empty for staff of the province.

    `version`: the server that issued it may count on, and then refuses it.
    """

    staff_id: str
    role: Role
    branch_id: str
    expires_at_ms: int
    version: int = 0


def hash_pin(pin: str) -> str:
    """Return the Argon2id hash of a PIN or password."""
    return _hasher.hash(pin)


def check_pin(pin_hash: str, pin: str) -> None:
    """Raise `NotAuthenticated` unless `pin` is the one that was hashed."""
    try:
        _hasher.verify(pin_hash, pin)
    except (VerifyMismatchError, InvalidHashError):
        raise NotAuthenticated("staff id or PIN is wrong") from None


def issue_staff_token(
    key: bytes, audience: str, staff_id: str, role: Role, branch_id: str, *, now_s: float, version: int = 0
) -> str:
    """Return a signed token for a person, valid `STAFF_TOKEN_TTL_S` at the server `audience` only."""
    claims = {
        "aud": audience, "sub": staff_id, "role": role, "branch": branch_id, "ver": version,
        "iat": int(now_s), "exp": int(now_s) + STAFF_TOKEN_TTL_S,
    }  # fmt: skip
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))


def read_staff_token(key: bytes, audience: str, token: str, *, now_s: float) -> StaffToken:
    """Return who a token belongs to. Raises `NotAuthenticated` when it is forged, expired or for another server."""
    claims = _read(token, OctKey.import_key(key), "HS256", audience, now_s)
    try:
        return StaffToken(
            str(claims["sub"]),
            Role(str(claims["role"])),
            str(claims["branch"]),
            _expiry_s(claims) * 1000,
            int(str(claims["ver"])),
        )
    except (KeyError, ValueError) as error:
        raise NotAuthenticated("the token is not one of ours; sign in again") from error


def issue_city_token(key: DeviceKey, city_id: str, audience: str, *, now_s: float) -> str:
    """Return a short-lived token with which a city proves its key to the province."""
    claims = {"aud": audience, "sub": city_id, "iat": int(now_s), "exp": int(now_s) + CITY_TOKEN_TTL_S}
    return jwt.encode({"alg": "Ed25519"}, claims, OKPKey.import_key(key.private), algorithms=["Ed25519"])


def read_city_token(token: str, public_key_of: Callable[[str], bytes], audience: str, *, now_s: float) -> str:
    """Return the city a token proves. `public_key_of` raises `NotAuthenticated` for an unknown city."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    city_id = _unverified_subject(token)
    public = OKPKey.import_key(Ed25519PublicKey.from_public_bytes(public_key_of(city_id)))
    _read(token, public, "Ed25519", audience, now_s)
    return city_id


def _unverified_subject(token: str) -> str:
    """Return whose key to check the token with; nothing else of it is believed yet."""
    from joserfc.jws import extract_compact

    try:
        claims = msgspec.json.decode(extract_compact(token.encode()).payload, type=dict[str, object])
        return str(claims["sub"])
    except (JoseError, msgspec.DecodeError, KeyError, ValueError) as error:
        raise NotAuthenticated("the token cannot be read") from error


def _read(token: str, key: OctKey | OKPKey, algorithm: str, audience: str, now_s: float) -> dict[str, object]:
    try:
        claims: dict[str, object] = jwt.decode(token, key, algorithms=[algorithm]).claims
    except (JoseError, ValueError) as error:
        raise NotAuthenticated("the token is not valid; sign in again") from error
    if claims.get("aud") != audience:
        raise NotAuthenticated("the token is for another server; sign in again")
    if _expiry_s(claims) <= now_s:
        raise NotAuthenticated("the token has expired; sign in again")
    return claims


def _expiry_s(claims: dict[str, object]) -> int:
    expiry = claims.get("exp", 0)
    return expiry if isinstance(expiry, int) else 0


def now_s() -> float:
    """Return the wall clock in seconds, as tokens use it."""
    return time.time()
