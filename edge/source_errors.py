"""Why a source gives no frames: a missing device, a file that is none, a stream that stopped."""

from yingbin.errors import InvalidInput, NotFound, Unavailable


class SourceMissing(NotFound):
    """There is no such file or device."""

    code = "source_missing"


class SourceUnreadable(InvalidInput):
    """It is there, but it is not a video or photo that can be decoded."""

    code = "source_unreadable"


class SourceEmpty(InvalidInput):
    """It can be opened and holds no frame."""

    code = "source_empty"


class SourceStopped(Unavailable):
    """It delivered frames and then no more, before its end."""

    code = "source_stopped"


SourceError = SourceMissing | SourceUnreadable | SourceEmpty | SourceStopped
