"""Tables as CSV files that a spreadsheet may open without running anything in them.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and a formula can send data
away or start programs. Labels and file names come from outside, so such a cell gets an apostrophe in front, which
spreadsheets show or hide but never run (CWE-1236). Numbers stay numbers, negative ones too.

This is not left to the package defusedcsv, because that lets through what spreadsheets also act on: a tab, carriage
return or line feed at the beginning, white space before the sign, and the full-width signs of East Asian keyboards.
It also writes a backslash before every ``|``.

Files are UTF-8 and begin with a byte order mark, without which Excel would show ``Zürich`` as ``ZÃ¼rich``; other
programs skip it (in pandas and Python: ``encoding="utf-8-sig"``). Lines end in CR LF, as RFC 4180 has it.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence

# White space (which some spreadsheets drop on reading), then a sign that begins a formula; or a control character.
# The last four are the full-width forms of the signs.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n\x00]")

# Text that is a plain number: no spreadsheet would run it, and a coordinate kept as text stays readable. ASCII only,
# without separators, so that ``-1+1`` is not among them.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def csv_bytes(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> bytes:
    """A table as the bytes of a CSV file.

    Args:
        rows: one mapping a row; a column that a row lacks, and None, become an empty cell.
        columns: names and order of the columns; anything else in a row is left out. The names are cells like others.

    Returns:
        UTF-8 with a byte order mark, comma-separated, a header line first, lines ending in CR LF. Booleans are
        written ``true`` and ``false``; fractions in the shortest form that reads back the same; a fraction that is no
        finite number becomes an empty cell.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in columns])
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return BYTE_ORDER_MARK + out.getvalue().encode("utf-8", errors="replace")


def neutral(text: str) -> str:
    """Text for a cell: with an apostrophe in front where a spreadsheet would take it for a formula."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):  # numpy.float64 is one; its repr is not a number
        return repr(float(value)) if math.isfinite(value) else ""
    item = getattr(value, "item", None)  # other scalars of NumPy
    if callable(item) and getattr(value, "ndim", None) == 0:
        return _cell(item())
    return neutral(str(value))
