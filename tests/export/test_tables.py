"""CSV files: what a spreadsheet would run is made plain text, and numbers stay numbers."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest

from gallery.export.tables import csv_bytes


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        # formulas
        ("=1+1", "'=1+1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("+SUM(A1)", "'+SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\tname", "'\tname"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("  =1+1", "'  =1+1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("＝1+1", "'＝1+1"),
        ("－1+1", "'－1+1"),
        ("-", "'-"),
        ("=", "'="),
        ("-1,5", "'-1,5"),
        # not formulas
        ("stop sign", "stop sign"),
        ("a=b", "a=b"),
        ("a|b", "a|b"),
        ("photo-1.jpg", "photo-1.jpg"),
        ("", ""),
        ("-12.5", "-12.5"),
        ("+3e-4", "+3e-4"),
        ('quoted "text", with comma', 'quoted "text", with comma'),
        ("two\nlines", "two\nlines"),
        ("Zürich 東京 🚦", "Zürich 東京 🚦"),
        # numbers and the rest
        (-5, "-5"),
        (0, "0"),
        (-0.25, "-0.25"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-9, "1e-09"),
        (np.float32(-0.5), "-0.5"),
        (np.float64(-0.5), "-0.5"),
        (np.int64(-7), "-7"),
        (np.bool_(True), "true"),
        (np.array(-3), "-3"),
        (float("nan"), ""),
        (float("-inf"), ""),
        (True, "true"),
        (False, "false"),
        (None, ""),
        (["=a"], "['=a']"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
    ],
)
def test_cell(value: object, cell: str) -> None:
    assert read(csv_bytes([{"first": "x", "value": value}], ["first", "value"])) == [["first", "value"], ["x", cell]]


def test_columns_are_cells_too() -> None:
    assert read(csv_bytes([], ["=label", "score"])) == [["'=label", "score"]]


def test_missing_and_surplus_keys() -> None:
    data = csv_bytes([{"a": 1, "z": 9}, {"b": 2}], ["a", "b"])
    assert read(data) == [["a", "b"], ["1", ""], ["", "2"]]


def test_bytes() -> None:
    data = csv_bytes([{"a": "ü"}], ["a"])
    assert data == b"\xef\xbb\xbfa\r\n\xc3\xbc\r\n"


def test_numbers_read_back_as_numbers() -> None:
    table = pd.read_csv(io.BytesIO(csv_bytes([{"x": -1.5, "n": -2}, {"x": 2, "n": 3}], ["x", "n"])))
    assert table["x"].tolist() == [-1.5, 2.0]
    assert table["n"].tolist() == [-2, 3]
    assert list(table.columns) == ["x", "n"]


def test_rows_may_come_one_by_one() -> None:
    rows = ({"n": n} for n in range(1000))
    assert len(read(csv_bytes(rows, ["n"]))) == 1001
