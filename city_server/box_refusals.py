"""Why a box is refused, and the WebSocket code its connection closes with."""

from typing import Final

from yingbin.errors import NotAllowed, NotAuthenticated, YingbinError
from yingbin.wire import BadMessage

CLOSE_MALFORMED: Final = 1003
CLOSE_TRY_LATER: Final = 1013
CLOSE_WRONG_PACK: Final = 4400
CLOSE_NOT_AUTHENTICATED: Final = 4401
CLOSE_REVOKED: Final = 4403
CLOSE_REPLACED: Final = 4409


class BoxRevoked(NotAllowed):
    """The province has revoked this box."""

    code = "box_revoked"


class WrongPack(NotAllowed):
    """The box embeds with another model pack than the galleries hold."""

    code = "wrong_pack"


class Replaced(NotAllowed):
    """The same box has opened a newer connection."""

    code = "replaced"


class RateLimited(NotAllowed):
    """The box sends more events than it may."""

    code = "rate_limited"


CLOSE_CODES: Final[dict[type[YingbinError], int]] = {
    BoxRevoked: CLOSE_REVOKED,
    WrongPack: CLOSE_WRONG_PACK,
    NotAuthenticated: CLOSE_NOT_AUTHENTICATED,
    BadMessage: CLOSE_MALFORMED,
    Replaced: CLOSE_REPLACED,
}
