"""Formats a cell of an Analytics result as the classic export would, as far as the API allows.

The API returns a label (as the user sees it on the page) and a value. The export writes numbers without thousands
separators and currency symbols, check boxes as 1 and 0, empty cells as empty, and line breaks unchanged; everything
else is the label. docs/routes.md lists what cannot match.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

#: The label of an empty cell.
EMPTY_LABEL = "-"
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})
#: Text areas, and streets, which some reports describe as strings. Nothing else can contain a line break.
MULTI_LINE_TYPES = frozenset({"textarea", "string", "address"})
_LINE_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
#: A literal `<br>` typed by a user, escaped in a label.
_TYPED_LINE_BREAK = re.compile(r"&lt;(br\s{0,3}/?)&gt;", re.IGNORECASE)
_DIGITS = frozenset("0123456789")
#: Salesforce stores up to 18 digits.
_MAX_PLACES = 18


def cell_text(label: object, value: object, data_type: str) -> str:
    """The text of a cell.

    label, value: as JSON has them, fractions as Decimal. data_type: the column's, such as `currency`; not relied on
    alone, since recorded responses contain texts in currency columns.
    """
    if value is None or (value == "" and label == EMPTY_LABEL):
        return "" if label in (None, EMPTY_LABEL) else _lines(str(label), None, data_type)
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, dict):
        amount = value.get("amount", value)
        return "" if amount is None else _number_or_label(label, amount)
    if data_type in NUMBER_TYPES:
        return _number_or_label(label, value)
    return _lines(str(value if label is None else label), value, data_type)


def _lines(label: str, value: object, data_type: str) -> str:
    """The text of an HTML label such as `1 High St<br>Springfield`, with its line breaks.

    A value that contains line breaks is the text itself. Otherwise each `<br>` becomes a line feed, as in the export;
    except for a string with a different value, which is a name on one line whose value is its record's id.
    """
    if data_type not in MULTI_LINE_TYPES or ("<" not in label and "&lt;" not in label):
        return label
    if isinstance(value, str) and value != label and _LINE_BREAK.search(label):
        if "\n" in value or "\r" in value:
            return value
        if data_type == "string":
            return label
    return _TYPED_LINE_BREAK.sub(r"<\1>", _LINE_BREAK.sub("\n", label))


def _number_or_label(label: object, value: object) -> str:
    shown = "" if label is None else str(label)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return shown
    text = number_text(shown, value)
    return f"{text}%" if "%" in shown else text


def number_text(label: str, number: int | float | Decimal) -> str:
    """The number with as many decimal places as its label shows, made of digits, sign and decimal point only.

    The decimal separator depends on the locale, but the label's digits determine the number of places. If no rounding
    of the number has the label's digits (two currencies in one label), it is written unrounded.
    """
    digits = "".join([character for character in label if character in _DIGITS])
    if isinstance(number, int):
        if digits == str(abs(number)):
            return str(number)
        exact = Decimal(number)
    else:
        exact = number if isinstance(number, Decimal) else Decimal(str(number))
    places = len(digits) - len(str(abs(int(exact))))
    for candidate in (places, places - 1):
        if 0 <= candidate <= _MAX_PLACES:
            rounded = exact.quantize(Decimal(1).scaleb(-candidate), ROUND_HALF_UP)
            text = f"{abs(rounded):f}"
            if text.replace(".", "") == digits:
                return f"-{text}" if rounded < 0 else text
    plain = f"{exact:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
