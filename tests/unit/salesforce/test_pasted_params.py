"""Query strings that were changed on their way are refused."""

import pytest

from sfr.salesforce.export_params import parse_export_params
from sfr.salesforce.pasted_params import PASTED_PARAMS, reject_pasted
from sfr.shapes import first_shape

#: Query string → words of the message.
REFUSED = {
    "export=1&amp;enc=UTF-8": "escaped for HTML",
    "a=1&amp;enc=UTF-8": "escaped for HTML",
    "export=1&#38;enc=UTF-8": "escaped for HTML",
    "export=1&pv0=&quot;West&quot;": "escaped for HTML",
    "export=1&pv0=AT%26amp%3BT": "then percent-encoded",
    "export=1&amp=1": "truncated `&amp;`",
    "export=1&pv0=a%2520b": "encoded twice",
    "export=1&pv0=a%253Db": "encoded twice",
    "export%3D1%26enc%3DUTF-8": "encoded as a whole",
    "export=1&pv0=%u00e4": "JavaScript",
    "export=1\\&enc=UTF-8": "escaped for a program",
    "export=1&pv0=\\u00e4": "escaped for a program",
    "export=1?enc=UTF-8": "separated by `&`",
    "export=1;enc=UTF-8": "separated by `&`",
    "export=1,xf=csv": "separated by `&`",
    '"export=1&enc=UTF-8"': "quotes",
    "“export=1”": "quotes",
    "export=1&pv0=“West”": "quotes",
    "export=1&–x=1": "no parameter has such a name",
    "export=1&fv0=West": "`pv0`",
    "export=1&PV0=West": "case-sensitive",
    "export=1&Enc=Shift_JIS": "case-sensitive; expected `enc`",
    "export=1&pv0=West\u200b": "U+200B ZERO WIDTH SPACE",
    "export=1&pv0=West\xa0Coast": "U+00A0 NO-BREAK SPACE",
}


@pytest.mark.parametrize(("query", "expected"), REFUSED.items(), ids=ascii)
def test_refuse_pasted_says_what_happened_to_a_query_string(query, expected):
    """Salesforce would pass over the parameter, and send another report."""
    with pytest.raises(ValueError, match="has ") as caught:
        reject_pasted(query)

    assert expected in str(caught.value)


@pytest.mark.parametrize("shape", PASTED_PARAMS, ids=lambda shape: shape.what[:40])
def test_every_shape_of_the_table_is_the_first_to_fit_some_query(shape):
    """No entry is hidden by another."""
    assert shape in [first_shape(PASTED_PARAMS, query, is_anywhere=True) for query in REFUSED]


@pytest.mark.parametrize(
    "query",
    [
        "?export=&xf=localecsv&enc=UTF-8&scope=organization&pv1=4/1/2019&pv2=4/7/2019&isdtp=p1",
        "?export=1&pv0=AT%26T", "?export=1&pv0=100%25", "?export=1&pv0=50%25%20off", "?export=1&pv0=O'Brien",
        "?export=1&pv0=a,b;c", "?export=1&pv0=Männer", "?export=1&pv0=5%22", "?export=1&filter[0]=x",
    ],
)  # fmt: skip
def test_parse_export_params_takes_values_of_every_kind(query):
    """What is encoded once, as browsers do."""
    assert parse_export_params(query).query.startswith("?export=")
