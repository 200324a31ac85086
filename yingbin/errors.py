"""The error tree. Every failure a person can meet has a code, a sentence that says what to do, and an id."""

from typing import Any, ClassVar

from yingbin.ids import new_id


class YingbinError(Exception):
    """Root of all errors raised on purpose.

    `code` is stable and machine-readable, `status` the HTTP status it maps to, `error_id` is what both the log and the
    person see. `message` never contains vectors, images, balances, names or secrets.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.error_id = new_id()

    @property
    def details(self) -> dict[str, Any]:
        """What a program needs beyond the code: members of the problem body (RFC 9457, 3.2)."""
        return {}


class InvalidInput(YingbinError):
    """The caller sent something that cannot be used; the message says what and why."""

    code = "invalid_input"
    status = 422


class NotAuthenticated(YingbinError):
    """The caller did not prove who it is, or its proof has expired."""

    code = "not_authenticated"
    status = 401


class NotAllowed(YingbinError):
    """The caller is known but may not do this (role, consent, impact assessment)."""

    code = "not_allowed"
    status = 403


class NotFound(YingbinError):
    """Nothing is stored under that id."""

    code = "not_found"
    status = 404


class Conflict(YingbinError):
    """The request contradicts what is already stored (duplicate key, wrong state)."""

    code = "conflict"
    status = 409


class Unavailable(YingbinError):
    """Something this process depends on does not answer now; trying again later may help."""

    code = "unavailable"
    status = 503


class StorageFull(Unavailable):
    """A write failed because the disk or quota is full; nothing was acknowledged."""

    code = "storage_full"
    status = 507


class BadConfiguration(YingbinError):
    """The process cannot start as configured; the message names the setting and what it must be."""

    code = "bad_configuration"
