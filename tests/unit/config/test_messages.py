"""What pydantic finds wrong becomes our sentences, and what an option takes is said from its schema alone."""

import pytest
from pydantic import ValidationError

from sfr.config.declared import DeclaredOptions, Option
from sfr.config.messages import SENTENCES
from sfr.config.settings import Config
from sfr.options.types import EMPTY, OWN_SENTENCE, OWN_SENTENCE_OF_KEYS
from sfr.redaction import Secret

ORG = {"domain": "emulator", "auth": {"sf_cli": {"org": "me"}}}
#: Type of error → sections that have it.
CAUSES = {
    "missing": {"salesforce": {"domain": "emulator"}},
    "extra_forbidden": {"salesforce": ORG, "x": 1},
    "string_too_short": {"salesforce": ORG, "timezone": ""},
    EMPTY: {"salesforce": {"domain": "emulator", "auth": {"sid": {"value": Secret("")}}}},
    OWN_SENTENCE: {"salesforce": {"domain": "emulator", "auth": {"sid": {}}}},
    OWN_SENTENCE_OF_KEYS: {"salesforce": {"domain": "emulator", "auth": {}}},
    "value_error": {"salesforce": ORG, "timezone": "Nowhere/Land"},
}


@pytest.mark.parametrize("kind", SENTENCES)
def test_every_type_of_error_with_a_sentence_of_its_own_can_be_caused(kind):
    """The names of pydantic's error types may change; the table has to follow."""
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(CAUSES[kind])

    assert [detail["type"] for detail in caught.value.errors()] == [kind]


def test_error_of_a_model_shows_no_value():
    """Whoever prints one of a Python caller's mistakes prints no secret."""
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"salesforce": {**ORG, "proxy": "http://u:canary@proxy"}})

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        ([{"type": "integer"}], "an integer"),
        ([{"type": "integer", "minimum": 1}], "an integer of at least 1"),
        ([{"type": "number", "maximum": 2000}], "a number of at most 2,000"),
        ([{"type": "number", "minimum": 0.5, "maximum": 2000}], "a number from 0.5 to 2,000"),
        ([{"type": "number", "minimum": 0, "maximum": 0.5}], "a number from 0 to 0.5"),
        ([{"type": "boolean"}], "`true` or `false`"),
        ([{"type": "string"}], "a string"),
        ([{"type": ["string", "number"]}], "a string"),
        ([{"enum": ["a", "b"]}], "one of `a`, `b`"),
        ([{"type": "array", "items": {"type": "string"}}], "a list of strings, such as [first, second]"),
        ([{"type": "array", "items": {"$ref": "#/$defs/X"}}], "a list of mappings"),
        ([{"type": "object", "properties": {"a": {}, "b": {}}}], "a mapping with keys such as `a`, `b`"),
    ],
)
def test_option_describes_its_values(forms, expected):
    """As in messages and docs/configuration.md."""
    assert Option("x", {}, forms).describe() == expected


@pytest.mark.parametrize("first", range(3))
def test_option_describes_words_and_null_last(first):
    """However a union is written."""
    forms = [{"type": "integer"}, {"const": "auto"}, {"type": "null"}]

    assert Option("x", {}, forms[first:] + forms[:first]).describe() == "an integer, or `auto` or null"


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        (["fetch", "threads"], "fetch.threads"),
        (["fetch", "retry_budget", "constrained-int"], "fetch.retry_budget"),
        (["summary", 1, "format"], "summary[1].format"),
        (["salesforce", "auth", "jwt", "username"], "salesforce.auth.jwt.username"),
        (["reports", "items", 0, "soql"], "reports.items[0].soql"),
        (["nothing"], ""),
    ],
)
def test_option_is_found_by_the_steps_of_an_error(steps, path):
    """Pydantic adds the names of a union's parts; they are none of the path."""
    assert DeclaredOptions().find(steps).path == path
