"""Which hosts are one org's."""

import pytest

from sfr.salesforce.org_hosts import HOST_FAMILIES, is_same_org, org_name, own_host


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("acme.lightning.force.com", "acme.my.salesforce.com"),
        ("ACME--UAT.sandbox.lightning.force.com", "acme--uat.sandbox.my.salesforce.com"),
        ("acme-dev-ed.develop.lightning.force.com", "acme-dev-ed.develop.my.salesforce.com"),
        ("acme.lightning.crmforce.mil", "acme.my.salesforce.mil"),
        ("acme--uat.sandbox.lightning.crmforce.mil", "acme--uat.sandbox.my.salesforce.mil"),
        ("acme.lightning.sfcrmapps.cn", "acme.my.sfcrmproducts.cn"),
        ("acme.my.salesforce-setup.com", "acme.my.salesforce.com"),
        ("acme.my.salesforce.com", None),
        ("acme--c.vf.force.com", None),
        ("lightning.force.com", None),
        ("acme.lightning.force.com.evil.example", None),
    ],
)
def test_own_host_gives_where_exports_are(host, own):
    """For hosts of Lightning and Setup pages; others stay."""
    assert own_host(host) == own


@pytest.mark.parametrize("family", HOST_FAMILIES, ids=lambda family: family.ending)
def test_org_name_is_the_same_in_every_family_of_the_table(family):
    """Production and sandbox, with a package's name where the family has one."""
    package = "--c" if family.has_package else ""

    assert org_name(f"acme{package}{family.ending}") == "acme"
    assert org_name(f"acme--uat{package}.sandbox{family.ending}") == "acme--uat"
    assert org_name(f"acme{package}.eu12{family.ending}.mcas.ms") == "acme"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("acme.my.salesforce.com", "acme.lightning.force.com", True),
        ("acme--uat.sandbox.my.salesforce.com", "acme--uat.cs88.my.salesforce.com", True),
        ("acme.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com", False),
        ("acme.my.salesforce.com", "beta.lightning.force.com", False),
        ("acme.my.salesforce.com", "na12.salesforce.com", None),
        ("acme.my.salesforce.com", "c.eu12.visual.force.com", None),
        ("acme.my.salesforce.com", "reports.acme.com", None),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "acme.my.salesforce.com", False),
        ("emulator", "acme.my.salesforce.com", None),
    ],
)
def test_is_same_org_is_true_only_where_it_can_be_determined(one, other, same):
    """A sandbox is another org; an instance's host is anybody's."""
    assert is_same_org(one, other) is same
    assert is_same_org(other, one) is same
