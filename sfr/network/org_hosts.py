"""The hosts of one org: its own, those of Lightning and of Setup, and others that carry its name. Pure.

Sources: Salesforce Help, "My Domain URL Formats"; the Salesforce CLI's and jsforce's lists of Lightning hosts.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfr.network.instance_host import is_loopback


@dataclass(frozen=True, slots=True)
class HostFamily:
    """Hosts with one ending; what stands before it begins with the My Domain name: `acme`, `acme--uat.sandbox`."""

    ending: str
    #: The ending of the org's own host, where what stands before it is the same; None where it is not.
    own_ending: str | None = None
    #: Whether the name is followed by that of a package: `acme--c.vf.force.com`, `acme--uat--c.sandbox.vf.force.com`.
    has_package: bool = False


_COM, _MIL, _CN = ".my.salesforce.com", ".my.salesforce.mil", ".my.sfcrmproducts.cn"

#: The first entry whose ending fits is the host's family.
HOST_FAMILIES: tuple[HostFamily, ...] = (
    # what requests go to
    HostFamily(_COM, _COM),
    HostFamily(_MIL, _MIL),
    HostFamily(_CN, _CN),
    HostFamily(".cloudforce.com"),
    # Lightning Experience
    HostFamily(".lightning.force.com", _COM),
    HostFamily(".lightning.crmforce.mil", _MIL),
    HostFamily(".lightning.force.mil", _MIL),
    HostFamily(".lightning.sfcrmapps.cn", _CN),
    # Setup
    HostFamily(".my.salesforce-setup.com", _COM),
    HostFamily(".my.salesforce-setup.mil", _MIL),
    HostFamily(".setup.sfcrmproducts.cn", _CN),
    # sites, files, Visualforce
    HostFamily(".my.site.com"),
    HostFamily(".my.salesforce-sites.com"),
    HostFamily(".my.sfcrmapps.cn"),
    HostFamily(".file.force.com"),
    HostFamily(".vf.force.com", has_package=True),
    HostFamily(".vf.crmforce.mil", has_package=True),
    HostFamily(".visualforce.com", has_package=True),
    HostFamily(".visual.force.com", has_package=True),
    HostFamily(".visual.crmforce.mil", has_package=True),
    HostFamily(".documentforce.com", has_package=True),
    HostFamily(".content.force.com", has_package=True),
)

#: A proxy of Microsoft's (Defender for Cloud Apps) puts this after the host that it stands before.
_PROXY_ENDING = ".mcas.ms"


def _family_of(host: str) -> HostFamily | None:
    return next((family for family in HOST_FAMILIES if host.endswith(family.ending)), None)


def own_host(host: str) -> str | None:
    """The org's own host, to which requests go, for one of Lightning or Setup; None for any other.

    `acme--uat.sandbox.lightning.force.com` → `acme--uat.sandbox.my.salesforce.com`.
    """
    host = host.lower()
    family = _family_of(host)
    if family is None or family.own_ending in (None, family.ending):
        return None
    return host.removesuffix(family.ending) + (family.own_ending or "")


def org_name(host: str) -> str | None:
    """The My Domain name in a host, with the sandbox's: `acme`, `acme--uat`; None where it has none.

    Partitions (`sandbox`, `develop`) and instances (`cs88`) are left out: with them or not, it is the same org.
    """
    host = host.lower().removesuffix(_PROXY_ENDING)
    family = _family_of(host)
    if family is None:
        return None
    name = host.partition(".")[0]
    return name.rpartition("--")[0] or None if family.has_package else name


def is_same_org(one: str, other: str) -> bool | None:
    """Whether two hosts are of one org; None where it cannot be told (`na12.salesforce.com`, `test.salesforce.com`)."""
    if one.lower() == other.lower() or (is_loopback(one) and is_loopback(other)):
        return True
    names = org_name(one), org_name(other)
    if None not in names:
        return names[0] == names[1]
    if is_loopback(one) or is_loopback(other):
        return False
    return None
