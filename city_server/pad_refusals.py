"""Why a tablet is refused, and the WebSocket code its connection closes with."""

from typing import Final

from yingbin import pad_wire
from yingbin.errors import NotAllowed, NotAuthenticated, YingbinError
from yingbin.log import get_logger
from yingbin.wire import BadMessage

CLOSE_MALFORMED: Final = 1003
CLOSE_TRY_LATER: Final = 1013
CLOSE_NOT_AUTHENTICATED: Final = 4401
CLOSE_NOT_ALLOWED: Final = 4403

log = get_logger()


class TooSlow(YingbinError):
    """The tablet does not take what it asked for; it will reconnect and catch up."""

    code = "too_slow"


def close_code(error: YingbinError) -> int:
    """Return the code of the reason."""
    match error:
        case NotAuthenticated():
            return CLOSE_NOT_AUTHENTICATED
        case NotAllowed():
            return CLOSE_NOT_ALLOWED
        case BadMessage():
            return CLOSE_MALFORMED
        case _:
            return CLOSE_TRY_LATER


def about(message: pad_wire.PadMessage) -> str:
    """Return what a refusal of this message is about, as `PadRefused.about` says it."""
    match message:
        case pad_wire.ReportOutcome():
            return message.outcome_id
        case pad_wire.AnswerInsight():
            return message.answer_id
        case pad_wire.Acknowledge() | pad_wire.ConfirmIdentity():
            return message.card_id
        case _:
            return ""


def refusal(error: YingbinError, concerning: str = "") -> pad_wire.PadRefused:
    """Return and log the refusal of a message, or of the connection."""
    log.warning("pad_refused", code=error.code, reason=error.message, about=concerning, error_id=error.error_id)
    return pad_wire.PadRefused(error.code, error.message, error.error_id, concerning)
