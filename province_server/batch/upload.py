"""Takes the parts of a multipart request (RFC 7578) into sealed spools as they arrive, whatever their size."""

import contextlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from province_server.batch.spool import SealedSpool
from yingbin.errors import InvalidInput

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_UPLOAD_BYTES: Final = 8 * 2**30
_AT_ONCE_BYTES: Final = 1 << 20


class Upload:
    """The parts of one request by name. Whoever holds it closes it."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self.parts: dict[str, SealedSpool] = {}

    def part(self, name: str) -> SealedSpool:
        """Return a part. Raises `InvalidInput` when the request had none of this name."""
        try:
            return self.parts[name]
        except KeyError:
            raise InvalidInput(f"the request has no part `{name}`") from None

    def begin(self, name: str) -> SealedSpool:
        """Start a part. Raises `InvalidInput` for a second one of this name."""
        if name in self.parts:
            raise InvalidInput(f"the request has two parts `{name}`")
        self.parts[name] = self._stack.enter_context(contextlib.closing(SealedSpool(self._folder)))
        return self.parts[name]

    def close(self) -> None:
        """Free the disk."""
        self._stack.close()


async def receive(request: Request, allowed: Collection[str], folder: Path | None = None) -> Upload:
    """Read a multipart request whose parts are named in `allowed`; memory stays within a few megabytes.

    Raises `InvalidInput` for anything else, `StorageFull` when the disk is.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise InvalidInput(f"send multipart/form-data with the parts: {', '.join(sorted(allowed))}")
    upload = Upload(folder)
    try:
        parser = _Parts(upload, allowed)
        machine = MultipartParser(options[b"boundary"], parser.callbacks())
        async for block in _blocks(request.stream()):
            await run_in_threadpool(machine.write, block)
        machine.finalize()
        parser.check_end()
        for spool in upload.parts.values():
            await run_in_threadpool(spool.complete)
    except FormParserError as error:
        upload.close()
        raise InvalidInput("the request is not well-formed multipart/form-data") from error
    except BaseException:
        upload.close()
        raise
    return upload


async def _blocks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join what arrives into blocks worth a thread."""
    block = bytearray()
    async for piece in stream:
        block += piece
        if len(block) >= _AT_ONCE_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


class _Parts:
    """Callbacks of the parser: which part bytes belong to."""

    def __init__(self, upload: Upload, allowed: Collection[str]) -> None:
        self._upload = upload
        self._allowed = allowed
        self._field = self._value = b""
        self._disposition = b""
        self._spool: SealedSpool | None = None
        self._ended = False

    def callbacks(self) -> "MultipartCallbacks":
        """Return them as the parser wants them."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def check_end(self) -> None:
        """Raise `InvalidInput` unless the last part came whole."""
        if not self._ended:
            raise InvalidInput("the request ends before its last part does: send it again")

    def _begin(self) -> None:
        self._field = self._value = self._disposition = b""
        self._spool = None

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _on_headers(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name", b"").decode("utf-8", "replace")
        if name not in self._allowed:
            raise InvalidInput(f"unknown part `{name[:40]}`; known: {', '.join(sorted(self._allowed))}")
        self._spool = self._upload.begin(name)

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._spool is not None:
            self._spool.append(data[start:end])

    def _on_end(self) -> None:
        self._ended = True
