"""A pasted address loses nothing that decides what is in the report."""

import pytest

from sfr.report_list.report_address import check_address

ID = "00OD0000001ZbP7MAK"
DOMAIN = "https://acme.my.salesforce.com"
CLASSIC = f"{DOMAIN}/{ID}"
LIGHTNING = f"https://acme.lightning.force.com/lightning/r/Report/{ID}/view"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (f"{CLASSIC}?pv0=West", "&pv0=West'"),
        (f"{CLASSIC}?export=1&amp;enc=UTF-8&amp;pv1=4/1/2019", "&pv1=4/1/2019'"),
        (f"{ID}?pn0=ne&pv0=West", "&pn0=ne&pv0=West'"),
        (f"{CLASSIC}?pc0=REGION", "&pc0=REGION'"),
        (f"{LIGHTNING}?fv0=West%20Coast&queryScope=userFolders", "&pv0=West%20Coast'"),
        (f"https://acme.lightning.force.com/one/one.app#/sObject/{ID}/view?fv12=x", "&pv12=x'"),
        (f"https://acme.lightning.force.com/x?url=%2F{ID}%3Fpv0%3DWest", "&pv0=West'"),
        (f"https://acme.lightning.force.com/x/%2F{ID}%3Fpv0%3DWest", "&pv0=West'"),
        (f"{CLASSIC}?colDt_s=1/1/2026&colDt_e=1/31/2026", "&colDt_s=1/1/2026&colDt_e=1/31/2026'"),
        (f"{CLASSIC}?scope=organization", "&scope=organization'"),
        (f"{CLASSIC}?export=1&xf=localecsv", "?export=1&enc=UTF-8&isdtp=p1&xf=localecsv'"),
        (f"{CLASSIC}?export=1&enc=Shift_JIS", "&enc=Shift_JIS'"),
        (f"{CLASSIC}?details=no", "&details=no'"),
        (f"{LIGHTNING}?reportFilters=%5B%7B%7D%5D", "save the filters in the report"),
        (f"{LIGHTNING}?fn0=equals&fv0=a", "the rest has to be saved in the report"),
    ],
)
def test_check_address_says_where_filters_belong(address, expected):
    """With the cell as it should be written."""
    with pytest.raises(ValueError, match="would get lost") as caught:
        check_address(address, DOMAIN)

    assert expected in str(caught.value)
    assert expected[:4] == "save" or "rest" in expected or "optional_export_params" in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        ID,
        CLASSIC,
        f"{CLASSIC}?export=1&enc=UTF-8&xf=csv&isdtp=p1",
        f"{LIGHTNING}?queryScope=userFolders",
        f"{CLASSIC}?retURL=%2F00O&id={ID}",
        f"/{ID}",
        f"https://acme.my.salesforce-setup.com/{ID}",
        f"https://acme--c.vf.force.com/apex/x?id={ID}",
        f"https://na12.salesforce.com/{ID}",
    ],
)
def test_check_address_says_nothing_about_an_address_that_holds_the_id_alone(address):
    """Pages' own parameters, and the org's other hosts."""
    assert check_address(address, DOMAIN) == []


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        (f"https://beta.my.salesforce.com/{ID}", DOMAIN),
        (f"https://beta.lightning.force.com/lightning/r/Report/{ID}/view", DOMAIN),
        (f"beta.my.salesforce.com/{ID}", DOMAIN),
        (f"https://acme--uat.sandbox.lightning.force.com/{ID}", DOMAIN),
        (CLASSIC, "https://acme--uat.sandbox.my.salesforce.com"),
        (CLASSIC, "http://127.0.0.1:8080"),
    ],
)
def test_check_address_warns_of_another_org(address, domain):
    """Ids are unique: the report would not be found, or, in a sandbox, be another state of it."""
    warnings = check_address(address, domain)

    assert len(warnings) == 1
    assert "another org" in warnings[0]


def test_check_address_warns_of_what_it_does_not_know():
    """A host of nobody's, and parameters of unknown meaning; values are not repeated."""
    assert "is it there?" in check_address(f"https://crm.acme.com/{ID}", DOMAIN)[0]
    (warning,) = check_address(f"{CLASSIC}?sid=00Dsecret", DOMAIN)
    assert "`sid`" in warning
    assert "secret" not in warning
