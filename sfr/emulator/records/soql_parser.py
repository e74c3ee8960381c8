"""Parses SOQL: SELECT … FROM … WHERE … ORDER BY … LIMIT … OFFSET. No GROUP BY, no subqueries."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfr.emulator.records.soql_tokens import SoqlError, tokens

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """field operator value(s); operator: = != < <= > >= like in `not in`."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or` or `not` of conditions."""

    operator: str
    parts: tuple[Condition, ...]


Condition = Comparison | Logic


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key of ORDER BY."""

    field: str
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. count: None, `()` for `COUNT()`, or the field inside `COUNT(field)`."""

    fields: tuple[str, ...]
    table: str
    count: str | None = None
    where: Condition | None = None
    order: tuple[OrderKey, ...] = field(default=())
    limit: int | None = None
    offset: int = 0


def parse(text: str) -> Query:
    """The query. Raises SoqlError with MALFORMED_QUERY."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0

    def query(self) -> Query:
        """A whole query."""
        self._need("select")
        count = self._count()
        fields = () if count is not None else self._fields()
        self._need("from")
        table = self._word()
        if self._peek_word() not in (
            "",
            "where",
            "order",
            "limit",
            "offset",
            "group",
            "using",
            "having",
            "for",
            "with",
        ):
            self._at += 1
        if self._take("using"):
            self._need("scope")
            self._word()
        where = self._or() if self._take("where") else None
        order = self._order() if self._take("order") else ()
        limit = self._whole_number() if self._take("limit") else None
        offset = self._whole_number() if self._take("offset") else 0
        if self._at < len(self._tokens):
            raise self._unexpected()
        return Query(fields, table, count, where, order, limit, offset)

    def _count(self) -> str | None:
        if self._peek_word() != "count" or self._tokens[self._at + 1 : self._at + 2] != [("sign", "(")]:
            return None
        self._at += 2
        counted = "()" if self._peek() == ("sign", ")") else self._word()
        self._need_sign(")")
        if self._peek_word() not in ("from", ""):
            self._at += 1
        return counted

    def _fields(self) -> tuple[str, ...]:
        names = [self._field()]
        while self._take_sign(","):
            names.append(self._field())
        return tuple(names)

    def _field(self) -> str:
        name = self._word()
        if self._take_sign("("):
            if name.lower() != "fields":
                raise SoqlError("MALFORMED_QUERY", f"the emulator has no function {name}()")
            self._word()
            self._need_sign(")")
            return "FIELDS()"
        return name

    def _order(self) -> tuple[OrderKey, ...]:
        self._need("by")
        keys = [self._order_key()]
        while self._take_sign(","):
            keys.append(self._order_key())
        return tuple(keys)

    def _order_key(self) -> OrderKey:
        name = self._word()
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        nulls_last = descending
        if self._take("nulls"):
            nulls_last = self._word().lower() == "last"
        return OrderKey(name, descending, nulls_last)

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Logic("or", tuple(parts))

    def _and(self) -> Condition:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Logic("and", tuple(parts))

    def _not(self) -> Condition:
        if self._take("not"):
            return Logic("not", (self._not(),))
        if self._take_sign("("):
            inner = self._or()
            self._need_sign(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        name = self._word()
        negated = self._take("not")
        if self._take("in"):
            self._need_sign("(")
            values = [self._value()]
            while self._take_sign(","):
                values.append(self._value())
            self._need_sign(")")
            return Comparison(name, "not in" if negated else "in", tuple(values))
        if self._take("like"):
            return Comparison(name, "like", (self._value(),))
        kind, sign = self._peek()
        if kind != "sign" or sign in "(),":
            raise self._unexpected()
        self._at += 1
        return Comparison(name, "!=" if sign == "<>" else sign, (self._value(),))

    def _value(self) -> Value:
        kind, text = self._peek()
        self._at += 1
        if kind in ("string", "moment"):
            return text
        if kind == "number":
            return float(text) if "." in text else int(text)
        known: dict[str, Value] = {"true": True, "false": False, "null": None}
        if kind == "word" and text.lower() in known:
            return known[text.lower()]
        self._at -= 1
        raise self._unexpected()

    def _whole_number(self) -> int:
        value = self._value()
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise SoqlError("MALFORMED_QUERY", "a whole number is expected after LIMIT and OFFSET")
        return value

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "<EOF>")

    def _peek_word(self) -> str:
        kind, text = self._peek()
        return text.lower() if kind == "word" else ""

    def _take(self, word: str) -> bool:
        if self._peek_word() != word:
            return False
        self._at += 1
        return True

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._unexpected()

    def _take_sign(self, sign: str) -> bool:
        if self._peek() != ("sign", sign):
            return False
        self._at += 1
        return True

    def _need_sign(self, sign: str) -> None:
        if not self._take_sign(sign):
            raise self._unexpected()

    def _word(self) -> str:
        kind, text = self._peek()
        if kind != "word":
            raise self._unexpected()
        self._at += 1
        return text

    def _unexpected(self) -> SoqlError:
        return SoqlError("MALFORMED_QUERY", f"{self._text}\nunexpected token: '{self._peek()[1]}'")
