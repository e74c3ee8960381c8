"""`/query` and `/queryAll`: pages of records with `nextRecordsUrl`; and `/sobjects`: names, fields, single records."""

from __future__ import annotations

import re
from typing import Any

from sfr.emulator.catalogue.ids import named_id, short_id
from sfr.emulator.http.responses import Response, json_response, rest_error
from sfr.emulator.records.soql_run import Selection, select
from sfr.emulator.records.soql_tables import Field, SoqlTable, find_table, table_names
from sfr.emulator.records.soql_tokens import SoqlError
from sfr.emulator.rest import RestCall, not_found

_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


def query(call: RestCall, _match: re.Match[str]) -> Response:
    """`GET /query?q=…`; with `columns=true` it describes the columns, as the Salesforce CLI requires."""
    text = call.request.query.get("q", "")
    if not text:
        return rest_error(400, "MALFORMED_QUERY", "A query string has to be specified")
    try:
        selection = select(call.org.database, text)
    except SoqlError as error:
        return rest_error(400, error.code, str(error))
    if call.request.query.get("columns", "").lower() == "true":
        return json_response(_column_facts(selection))
    if selection.query.count == "()":
        return json_response({"totalSize": len(selection.rows), "done": True, "records": []})
    if selection.query.count is not None:
        counted = selection.fields[0]
        number = sum(1 for row in selection.rows if counted.value(row) is not None)
        record = {"attributes": {"type": "AggregateResult"}, "expr0": number}
        return json_response({"totalSize": 1, "done": True, "records": [record]})
    cursor = named_id("01g", f"{text}/{call.org.requests.count()}")
    call.org.query_cursors.add(cursor, selection)
    return _page(call, cursor, selection, 0)


def query_more(call: RestCall, match: re.Match[str]) -> Response:
    """`GET /query/<cursor>-<offset>`: the target of `nextRecordsUrl`."""
    selection = call.org.query_cursors.find(match["cursor"])
    if selection is None:
        return rest_error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(call, match["cursor"], selection, int(match["offset"]))


def sobjects(call: RestCall, _match: re.Match[str]) -> Response:
    """`GET /sobjects`: all objects."""
    listed = [_object_facts(call, name) for name in table_names(call.org.database)]
    return json_response({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


def describe(call: RestCall, match: re.Match[str]) -> Response:
    """`GET /sobjects/<name>/describe`."""
    table = find_table(call.org.database, match["name"])
    if table is None:
        return not_found()
    fields = [_field_facts(field) for key, field in table.fields.items() if "." not in key]
    return json_response({**_object_facts(call, table.name), "fields": fields})


def record(call: RestCall, match: re.Match[str]) -> Response:
    """`GET /sobjects/<name>/<id>?fields=…`."""
    table = find_table(call.org.database, match["name"])
    wanted = short_id(match["id"])
    if table is None or wanted is None:
        return not_found()
    ids = table.fields["id"]
    row = next((row for row in range(table.rows) if str(ids.value(row))[:15] == wanted), None)
    if row is None:
        return not_found("Provided external ID field does not exist or is not accessible: " + match["id"])
    names = [name.strip().lower() for name in call.request.query.get("fields", "").split(",") if name.strip()]
    fields = [field for key, field in table.fields.items() if (key in names if names else "." not in key)]
    return json_response(_record(call, table, fields, row))


def _column_facts(selection: Selection) -> dict[str, Any]:
    columns: dict[str, dict[str, Any]] = {}
    for field in selection.fields:
        relation, _, name = field.name.rpartition(".")
        column = _column(name, field.kind)
        if relation:
            columns.setdefault(relation, _column(relation, "reference"))["joinColumns"].append(column)
        else:
            columns[name] = column
    return {
        "columnMetadata": list(columns.values()),
        "entityName": selection.table.name,
        "groupBy": False,
        "idSelected": any(field.name == "Id" for field in selection.fields),
        "keyPrefix": selection.table.key_prefix,
    }


def _column(name: str, kind: str) -> dict[str, Any]:
    is_number = kind in ("int", "currency", "percent")
    return {
        "aggregate": False,
        "apexType": "Integer" if kind == "int" else "Decimal" if is_number else "String",
        "booleanType": kind == "boolean",
        "columnName": name,
        "custom": name.endswith("__c"),
        "displayName": name,
        "foreignKeyName": None,
        "insertable": False,
        "joinColumns": [],
        "numberType": is_number,
        "textType": not is_number and kind != "boolean",
        "updatable": False,
    }


def _page(call: RestCall, cursor: str, selection: Selection, offset: int) -> Response:
    size = _batch_rows(call)
    rows = selection.rows[offset : offset + size]
    done = offset + size >= len(selection.rows)
    page: dict[str, Any] = {"totalSize": len(selection.rows), "done": done}
    if not done:
        page["nextRecordsUrl"] = f"{call.root}/query/{cursor}-{offset + size}"
    page["records"] = [_record(call, selection.table, selection.fields, row) for row in rows]
    return json_response(page)


def _batch_rows(call: RestCall) -> int:
    match = _BATCH.search(call.request.headers.get("sforce-query-options", ""))
    most = call.org.settings.query_batch_rows
    return min(max(int(match[1]), 200), most) if match else most


def _record(call: RestCall, table: SoqlTable, fields: list[Field] | tuple[Field, ...], row: int) -> dict[str, Any]:
    record_id = table.fields["id"].value(row)
    url = f"{call.root}/sobjects/{table.name}/{record_id}"
    shown: dict[str, Any] = {"attributes": {"type": table.name, "url": url}}
    for field in fields:
        relation, dot, name = field.name.rpartition(".")
        if not dot:
            shown[name] = field.value(row)
            continue
        kind = {"Owner": "User"}.get(relation, relation)
        shown.setdefault(relation, {"attributes": {"type": kind, "url": f"{call.root}/sobjects/{kind}"}})
        shown[relation][name] = field.value(row)
    return shown


def _object_facts(call: RestCall, name: str) -> dict[str, Any]:
    table = find_table(call.org.database, name)
    return {
        "name": name,
        "label": name,
        "labelPlural": f"{name}s",
        "keyPrefix": table.key_prefix if table else None,
        "custom": name.endswith("__c"),
        "queryable": True,
        "retrieveable": True,
        "createable": False,
        "urls": {"sobject": f"{call.root}/sobjects/{name}", "describe": f"{call.root}/sobjects/{name}/describe"},
    }


def _field_facts(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.name,
        "type": field.kind,
        "nillable": field.name != "Id",
        "filterable": True,
        "sortable": field.kind != "textarea",
        "custom": field.name.endswith("__c"),
    }
