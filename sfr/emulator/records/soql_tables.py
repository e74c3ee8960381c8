"""The tables available to queries: the catalogue's objects, and Report, User, Organization and Folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sfr.emulator.catalogue.catalogue import Catalogue
from sfr.emulator.catalogue.cells import Raw
from sfr.emulator.catalogue.columns import Column
from sfr.emulator.catalogue.ids import developer_name, named_id
from sfr.emulator.catalogue.objects import ObjectTable
from sfr.emulator.catalogue.reports import Report
from sfr.emulator.log_in.credentials import ORG_ID, PROFILE_ID, USER_ID

_STAMP = "2026-01-15T08:00:00.000+0000"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its canonical name, its type as describe calls it, and its value in a row."""

    name: str
    kind: str
    value: Callable[[int], Raw]


@dataclass(frozen=True, slots=True)
class SoqlTable:
    """A queryable object. `fields` by lower-case name, related names (`owner.name`) included."""

    name: str
    key_prefix: str
    rows: int
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Database:
    """The data source of queries. username, user_name and company appear in User and Organization."""

    catalogue: Catalogue
    username: str
    user_name: str
    company: str


def find_table(database: Database, name: str) -> SoqlTable | None:
    """The object with this name, case-insensitively."""
    makers: dict[str, Callable[[], SoqlTable]] = {
        "report": lambda: _reports(database.catalogue),
        "user": lambda: _user(database),
        "organization": lambda: _organization(database),
        "folder": lambda: _folders(database.catalogue),
    }
    maker = makers.get(name.lower())
    if maker is not None:
        return maker()
    for table in database.catalogue.objects.values():
        if table.name.lower() == name.lower():
            return _object(table)
    return None


def table_names(database: Database) -> tuple[str, ...]:
    """All objects' names."""
    return (*database.catalogue.objects, "Report", "User", "Organization", "Folder")


def _object(table: ObjectTable) -> SoqlTable:
    fields = [field for column in table.columns for field in _column_fields(column)]
    known = {field.name.lower() for field in fields}
    stamps = [
        Field(name, "datetime", lambda _row: _STAMP) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")
    ]
    extra = [*stamps, Field("IsDeleted", "boolean", lambda _row: False)]
    fields += [field for field in extra if field.name.lower() not in known]
    return SoqlTable(table.name, table.key_prefix, table.rows, _by_name(fields))


def _column_fields(column: Column) -> list[Field]:
    kind = column.data_type
    fields = [Field(column.field, "reference" if column.name_field else kind, column.raw)]
    if column.name_field:
        fields.append(Field(column.name_field, "string", lambda row: column.cell(row).text))
    return fields


def _listed(name: str, prefix: str, records: list[dict[str, Raw]], kinds: Mapping[str, str]) -> SoqlTable:
    """A table of a few records. kinds: the type of every field."""

    def getter(field_name: str) -> Callable[[int], Raw]:
        return lambda row: records[row][field_name]

    fields = [Field(field_name, kind, getter(field_name)) for field_name, kind in kinds.items()]
    return SoqlTable(name, prefix, len(records), _by_name(fields))


def _reports(catalogue: Catalogue) -> SoqlTable:
    records = [_report_record(report) for report in catalogue.reports() if report.listed and report.visible]
    kinds = {
        "Id": "id", "Name": "string", "FolderName": "string", "Format": "picklist", "DeveloperName": "string",
        "Description": "string", "OwnerId": "reference", "LastRunDate": "datetime", "CreatedDate": "datetime",
        "LastModifiedDate": "datetime", "SystemModstamp": "datetime", "IsDeleted": "boolean",
        "NamespacePrefix": "string",
    }  # fmt: skip
    return _listed("Report", "00O", records, kinds)


def _report_record(report: Report) -> dict[str, Raw]:
    return {
        "Id": report.id, "Name": report.name, "FolderName": report.folder, "Format": report.format,
        "DeveloperName": developer_name(report.name), "Description": report.description or None,
        "OwnerId": named_id("00l", report.folder), "LastRunDate": _STAMP, "CreatedDate": _STAMP,
        "LastModifiedDate": _STAMP, "SystemModstamp": _STAMP, "IsDeleted": False, "NamespacePrefix": None,
    }  # fmt: skip


def _user(database: Database) -> SoqlTable:
    first, _, last = database.user_name.partition(" ")
    record: dict[str, Raw] = {
        "Id": USER_ID, "Username": database.username, "Name": database.user_name, "FirstName": first,
        "LastName": last or first, "Email": database.username, "IsActive": True, "ProfileId": PROFILE_ID,
        "Profile.Name": "Emulated User", "UserType": "Standard", "LanguageLocaleKey": "en_US", "LocaleSidKey": "en_US",
        "TimeZoneSidKey": "GMT", "CompanyName": database.company,
    }  # fmt: skip
    kinds = {name: "boolean" if name == "IsActive" else "id" if name == "Id" else "string" for name in record}
    return _listed("User", "005", [record], kinds)


def _organization(database: Database) -> SoqlTable:
    record: dict[str, Raw] = {
        "Id": ORG_ID, "Name": database.company, "InstanceName": "EMU1", "IsSandbox": False,
        "OrganizationType": "Developer Edition", "TrialExpirationDate": None, "NamespacePrefix": None,
        "LanguageLocaleKey": "en_US", "DefaultLocaleSidKey": "en_US", "CreatedDate": _STAMP,
    }  # fmt: skip
    kinds = {name: "boolean" if name == "IsSandbox" else "id" if name == "Id" else "string" for name in record}
    return _listed("Organization", "00D", [record], kinds)


def _folders(catalogue: Catalogue) -> SoqlTable:
    names = dict.fromkeys(report.folder for report in catalogue.reports() if report.listed and report.visible)
    records: list[dict[str, Raw]] = [
        {"Id": named_id("00l", name), "Name": name, "DeveloperName": developer_name(name), "Type": "Report"}
        for name in names
    ]
    kinds = {"Id": "id", "Name": "string", "DeveloperName": "string", "Type": "picklist"}
    return _listed("Folder", "00l", records, kinds)


def _by_name(fields: list[Field]) -> dict[str, Field]:
    return {field.name.lower(): field for field in fields}
