"""Whatever a configuration file holds, loading it gives a configuration or a list of problems, never a traceback."""

import re
import string

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.config.declared import DeclaredOptions
from sfr.config.load import load_config
from sfr.config.settings import Config, LoadedConfig
from sfr.errors import UsageError

KEYS = sorted({part for option in DeclaredOptions().walk() for part in re.split(r"\.|\[]\.?", option.path) if part})
ENVIRON = {"SFDC_DOMAIN": "https://acme.my.salesforce.com", "N": "5", "EMPTY": ""}
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["${N}", "${EMPTY}", "${NONE}", "${cred:x}", "$${", "auto", "csv", "json", "emulator", "0640"]),
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(KEYS), children, max_size=5),
    max_leaves=25,
)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def load(directory, content):
    """Load the bytes as a file; a configuration or None, if it is refused."""
    file = directory / "a.yaml"
    file.write_bytes(content)
    env_file = directory / "empty.env"
    env_file.touch(mode=0o600)
    try:
        return load_config(str(file), environ=ENVIRON, env_file=str(env_file))
    except UsageError as error:
        problems = error.problems
    assert problems
    assert all(problem.isprintable() for problem in problems)
    return None


@FEW
@given(st.binary(max_size=200))
def test_load_rejects_any_bytes_without_a_traceback(tmp_path, content):
    """No random bytes are a configuration."""
    assert load(tmp_path, content) is None


@FEW
@given(st.text(alphabet=string.ascii_lowercase[:4] + " \n\t:-[]{}&*!|>'\"#%@,?$~<.0", max_size=120))
def test_load_rejects_any_yaml_like_text_without_a_traceback(tmp_path, text):
    """Neither is anything that looks like YAML."""
    assert load(tmp_path, text.encode()) is None


@FEW
@given(st.dictionaries(st.sampled_from(sorted(Config.model_fields)), TREES, max_size=5))
def test_load_handles_any_tree_of_known_keys_without_a_traceback(tmp_path, tree):
    """Right keys with any values."""
    tree["salesforce"] = {"domain": "${SFDC_DOMAIN}", "auth": {"sf_cli": {"org": "x"}}}

    loaded = load(tmp_path, yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass"))

    assert loaded is None or isinstance(loaded, LoadedConfig)


@FEW
@given(TREES)
def test_load_handles_any_log_in_settings_without_a_traceback(tmp_path, tree):
    """Any value in the section that holds secrets."""
    content = yaml.safe_dump({"salesforce": {"domain": "emulator", "auth": tree}}, allow_unicode=True)

    load(tmp_path, content.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", ["threads", "timeout_s"])
@FEW
@given(number=st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_load_keeps_numbers_within_limits_as_they_are(tmp_path, name, number):
    """A number that is taken is the number that was written."""
    tree = {
        "salesforce": {"domain": "${SFDC_DOMAIN}", "auth": {"sf_cli": {"org": "x"}}},
        "fetch": {name: number},
    }

    loaded = load(tmp_path, yaml.safe_dump(tree).encode())

    if loaded is not None:
        assert getattr(loaded.config.fetch, name) == number
        assert number > 0
