"""One cell of an Analytics answer, as the classic export would write it, as far as the API tells.

The API gives a label (as the page shows it to this user) and a value. The export writes numbers without thousands
separators and currency signs, check boxes as 1 and 0, empty cells as nothing, and line breaks as such; all else is the
label. What cannot match is said in docs/routes.md.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

#: What the label of an empty cell is.
EMPTY_LABEL = "-"
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})
#: Text areas, and streets, which some reports describe as strings. Nothing else can hold a line break.
MULTI_LINE_TYPES = frozenset({"textarea", "string", "address"})
_LINE_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
#: What a user typed as `<br>`, in a label that marks line breaks by it.
_TYPED_LINE_BREAK = re.compile(r"&lt;(br\s{0,3}/?)&gt;", re.IGNORECASE)
_DIGITS = frozenset("0123456789")
#: Salesforce keeps 18 places.
_MOST_PLACES = 18


def cell_text(label: object, value: object, data_type: str) -> str:
    """The text of a cell.

    label, value: as JSON has them, fractions as Decimal. data_type: the column's, such as `currency`; not trusted
    alone, since recorded answers have texts in columns of the type currency.
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
    """The lines of a label that is written for a page, `1 High St<br>Springfield`.

    A value with line breaks of its own is the text itself. Else each `<br>` is a line feed, as in the export; but for a
    string that has another value: that is a name, of one line, whose value is its record's id.
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
    """The number with as many decimal places as its label shows, and nothing but digits, sign and point.

    Which separator is the decimal one differs by locale; the label's digits tell the places without asking. Where no
    rounding of the number has the label's digits (two currencies in one label), it is written as exactly as it came.
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
        if 0 <= candidate <= _MOST_PLACES:
            rounded = exact.quantize(Decimal(1).scaleb(-candidate), ROUND_HALF_UP)
            text = f"{abs(rounded):f}"
            if text.replace(".", "") == digits:
                return f"-{text}" if rounded < 0 else text
    plain = f"{exact:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
