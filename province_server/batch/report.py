"""The row-by-row report of a job as CSV that Excel opens as it is: UTF-8 with a byte order mark, texts in zh and en."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Final

from province_server.batch.jobs import RowOut

REASONS: Final[dict[str, dict[str, str]]] = json.loads(files(__package__).joinpath("reasons.json").read_text("utf-8"))
"""Code -> what it means and what to do, by language."""
_HEADER: Final = ("row", "customer_id", "field", "outcome", "code", "text_zh", "text_en")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_of(rows: Iterable[RowOut]) -> Iterator[bytes]:
    """Yield the lines of the report; row 1 is the first below the header of the list."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_HEADER)
    yield b"\xef\xbb\xbf"
    for row in rows:
        texts = REASONS.get(row.code, {})
        cells = (row.row, row.customer_id, row.field, row.outcome, row.code, texts.get("zh", ""), texts.get("en", ""))
        writer.writerow(_harmless(str(cell)) for cell in cells)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()


def _harmless(cell: str) -> str:
    """Return a cell that a spreadsheet takes for text, not for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
