"""The org's objects (Account, Opportunity, Case, Lead), each a list of columns. The caller sets the number of rows.

Row n of an object is the same record in every report, query and job.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

from sfr.emulator.catalogue import cells, words
from sfr.emulator.catalogue.cells import Cell
from sfr.emulator.catalogue.columns import TILE_ROWS, Column, Listed, Numbered, Pool
from sfr.emulator.catalogue.ids import numbered_id, numbered_id_frame

_REFERENCED_ACCOUNTS = 400


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """An object and its records. The first column is its record id."""

    name: str
    label: str
    key_prefix: str
    rows: int
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column with this report name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _owner_pool(seed: str) -> Pool:
    names = [f"{first} {last}" for first in words.FIRST_NAMES[:6] for last in words.LAST_NAMES[:3]]
    owners = [cells.lookup_cell(name, numbered_id("005", number)) for number, name in enumerate(names, start=100)]
    return words.pool(seed, lambda chance: chance.choice(owners))


def _account_pool(seed: str) -> Pool:
    """Names and ids of the org's first accounts, as references to existing records."""
    names = account_names(seed.split("/")[0])

    def draw(chance: random.Random) -> Cell:
        row = chance.randrange(_REFERENCED_ACCOUNTS)
        return cells.lookup_cell(names.cells[row].text, numbered_id("001", row))

    return words.pool(seed, draw)


def account_names(seed: str) -> Pool:
    """The names of the accounts; a name may occur more than once, as in real orgs."""
    return words.pool(f"{seed}/account-name", lambda chance: cells.text_cell(words.company_name(chance)))


def _record_id(prefix: str) -> Numbered:
    return Numbered(*numbered_id_frame(prefix))


def accounts(seed: str, rows: int) -> ObjectTable:
    """The Account object."""
    pool = partial(_seeded, seed, "account")
    columns = (
        Column("ACCOUNT_ID", "Account ID", "id", "Id", _record_id("001")),
        Column("ACCOUNT.NAME", "Account Name", "string", "Name", account_names(seed), is_record_name=True),
        Column("ACCOUNT_NUMBER", "Account Number", "string", "AccountNumber", Numbered("AC-")),
        Column(
            "TYPE", "Type", "picklist", "Type", pool("type", ("Customer - Direct", "Customer - Channel", "Prospect"))
        ),
        Column("INDUSTRY", "Industry", "picklist", "Industry", pool("industry", words.INDUSTRIES)),
        Column("ADDRESS1_CITY", "Billing City", "string", "BillingCity", pool("city", words.CITIES)),
        Column("ADDRESS1_COUNTRY", "Billing Country", "string", "BillingCountry", pool("country", words.COUNTRIES)),
        Column("SALES", "Annual Revenue", "currency", "AnnualRevenue", _amounts(f"{seed}/account-sales")),
        Column("EMPLOYEES", "Employees", "int", "NumberOfEmployees", _numbers(f"{seed}/account-employees", 40_000)),
        Column("CREATED_DATE", "Created Date", "datetime", "CreatedDate", _moments(f"{seed}/account-created")),
        Column("DESCRIPTION", "Description", "textarea", "Description", _notes(f"{seed}/account-notes")),
        Column(
            "USERS.NAME", "Account Owner", "reference", "OwnerId", _owner_pool(f"{seed}/account-owner"), "Owner.Name"
        ),
    )
    return ObjectTable("Account", "Accounts", "001", rows, columns)


def opportunities(seed: str, rows: int) -> ObjectTable:
    """The Opportunity object."""
    pool = partial(_seeded, seed, "opportunity")
    account = _account_pool(f"{seed}/opportunity-account")
    columns = (
        Column("OPPORTUNITY_ID", "Opportunity ID", "id", "Id", _record_id("006")),
        Column(
            "OPPORTUNITY_NAME",
            "Opportunity Name",
            "string",
            "Name",
            Numbered("Deal ", " — renewal"),
            is_record_name=True,
        ),
        Column("ACCOUNT_NAME", "Account Name", "reference", "AccountId", account, "Account.Name"),
        Column("STAGE_NAME", "Stage", "picklist", "StageName", pool("stage", words.STAGES)),
        Column("AMOUNT", "Amount", "currency", "Amount", _amounts(f"{seed}/opportunity-amount")),
        Column(
            "PROBABILITY", "Probability (%)", "percent", "Probability", _percents(f"{seed}/opportunity-probability")
        ),
        Column("FISCAL_QUARTER", "Fiscal Period", "string", "FiscalQuarter__c", pool("quarter", words.QUARTERS)),
        Column("REGION", "Region", "picklist", "Region__c", pool("region", words.REGIONS)),
        Column("CLOSE_DATE", "Close Date", "date", "CloseDate", _days(f"{seed}/opportunity-close")),
        Column("LEAD_SOURCE", "Lead Source", "picklist", "LeadSource", pool("source", words.LEAD_SOURCES)),
        Column("NEXT_STEP", "Next Step", "string", "NextStep", _subjects(f"{seed}/opportunity-step")),
        Column(
            "FULL_NAME", "Opportunity Owner", "reference", "OwnerId", _owner_pool(f"{seed}/opp-owner"), "Owner.Name"
        ),
    )
    return ObjectTable("Opportunity", "Opportunities", "006", rows, columns)


def cases(seed: str, rows: int) -> ObjectTable:
    """The Case object, the org's largest."""
    pool = partial(_seeded, seed, "case")
    account = _account_pool(f"{seed}/case-account")
    columns = (
        Column("CASE_ID", "Case ID", "id", "Id", _record_id("500")),
        Column("CASE_NUMBER", "Case Number", "string", "CaseNumber", Numbered(""), is_record_name=True),
        Column("SUBJECT", "Subject", "string", "Subject", _subjects(f"{seed}/case-subject")),
        Column("STATUS", "Status", "picklist", "Status", pool("status", words.CASE_STATES)),
        Column("PRIORITY", "Priority", "picklist", "Priority", pool("priority", words.PRIORITIES)),
        Column("ACCOUNT_NAME", "Account Name", "reference", "AccountId", account, "Account.Name"),
        Column("CREATED_DATEONLY", "Date Opened", "datetime", "CreatedDate", _moments(f"{seed}/case-created")),
        Column("AGE", "Age (Hours)", "int", "AgeHours__c", _numbers(f"{seed}/case-age", 2_000)),
        Column("CLOSED", "Closed", "boolean", "IsClosed", _booleans(f"{seed}/case-closed")),
        Column("DESCRIPTION", "Description", "textarea", "Description", _notes(f"{seed}/case-notes")),
        Column("OWNER", "Case Owner", "reference", "OwnerId", _owner_pool(f"{seed}/case-owner"), "Owner.Name"),
    )
    return ObjectTable("Case", "Cases", "500", rows, columns)


def leads(seed: str, rows: int) -> ObjectTable:
    """The Lead object. Its reports show no unique column unless the record id is added."""
    pool = partial(_seeded, seed, "lead")
    names = words.pool(f"{seed}/lead-name", lambda chance: cells.text_cell(words.person_name(chance)))
    companies = words.pool(f"{seed}/lead-company", lambda chance: cells.text_cell(words.company_name(chance)))
    columns = (
        Column("LEAD_ID", "Lead ID", "id", "Id", _record_id("00Q")),
        Column("NAME", "Name", "string", "Name", names),
        Column("COMPANY", "Company / Account", "string", "Company", companies),
        Column("LEAD_SOURCE", "Lead Source", "picklist", "LeadSource", pool("source", words.LEAD_SOURCES)),
        Column("RATING", "Rating", "picklist", "Rating", pool("rating", ("Hot", "Warm", "Cold", ""))),
        Column("CITY", "City", "string", "City", pool("city", words.CITIES)),
        Column("CREATED_DATE", "Create Date", "date", "CreatedDay__c", _days(f"{seed}/lead-created")),
        Column("CONVERTED", "Converted", "boolean", "IsConverted", _booleans(f"{seed}/lead-converted")),
    )
    return ObjectTable("Lead", "Leads", "00Q", rows, columns)


def hand_written(name: str, labels: tuple[str, ...], records: tuple[tuple[str, ...], ...]) -> ObjectTable:
    """A custom object of text columns with exactly these records (at most `TILE_ROWS` of them)."""
    if len(records) > TILE_ROWS:
        raise ValueError(f"a hand-written table holds at most {TILE_ROWS} records, this one has {len(records)}")
    ids = Column("CUST_ID", "Record ID", "id", "Id", _record_id("a00"))
    columns = [ids]
    for number, label in enumerate(labels):
        listed: tuple[Cell, ...] = tuple(cells.text_cell(record[number]) for record in records)
        columns.append(Column(f"CUST_{number + 1}", label, "string", f"Field{number + 1}__c", Listed(listed)))
    return ObjectTable(f"{name}__c", name, "a00", len(records), tuple(columns))


def _seeded(seed: str, object_name: str, column: str, texts: tuple[str, ...]) -> Pool:
    return words.choice_pool(f"{seed}/{object_name}-{column}", texts)


def _amounts(seed: str) -> Pool:
    return words.pool(seed, lambda chance: cells.currency_cell(chance.randrange(10_000, 90_000_000) / 100))


def _numbers(seed: str, below: int) -> Pool:
    return words.pool(seed, lambda chance: cells.number_cell(chance.randrange(below)))


def _percents(seed: str) -> Pool:
    return words.pool(seed, lambda chance: cells.percent_cell(chance.randrange(0, 101, 10)))


def _booleans(seed: str) -> Pool:
    return words.pool(seed, lambda chance: cells.boolean_cell(chance.random() < 0.5))


def _days(seed: str) -> Pool:
    return words.pool(seed, lambda chance: cells.date_cell(words.day(chance)))


def _moments(seed: str) -> Pool:
    return words.pool(seed, lambda chance: cells.datetime_cell(words.moment(chance)))


def _subjects(seed: str) -> Pool:
    return words.pool(seed, lambda chance: cells.text_cell(words.subject(chance)))


def _notes(seed: str) -> Pool:
    return words.pool(seed, lambda chance: cells.text_cell(words.note(chance)))
