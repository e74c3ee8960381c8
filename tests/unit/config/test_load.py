"""Loading a configuration: defaults, references, secrets, rules between options, and all problems at once."""

import os

import pytest

from sfr.config.load import load_config
from sfr.errors import ConfigurationError, ExitCode
from sfr.redaction import Secret
from sfr.salesforce.auth import METHODS

DOMAIN = "https://acme.my.salesforce.com"
MINIMAL = f"salesforce: {{domain: {DOMAIN}, auth: {{sf_cli: {{org: me}}}}}}\n"


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Loads a YAML text as `a.yaml` in a working directory of its own."""
    monkeypatch.chdir(tmp_path)

    def load_text(text, environ=None, env_file=None):
        (tmp_path / "a.yaml").write_text(text)
        (tmp_path / "a.yaml").chmod(0o600)
        return load_config("a.yaml", environ=environ or {}, env_file=env_file)

    return load_text


@pytest.fixture
def problems_of(load):
    """The problems of a YAML text, which must have some."""

    def load_wrong(text, environ=None, env_file=None):
        with pytest.raises(ConfigurationError) as caught:
            load(text, environ, env_file)
        assert caught.value.exit_code is ExitCode.USAGE
        return list(caught.value.problems)

    return load_wrong


def test_load_gives_every_default_when_only_the_required_is_set(load, tmp_path):
    """Paths are absolute, everything else is as declared."""
    loaded = load(MINIMAL)

    config = loaded.config
    assert config.salesforce.domain == DOMAIN
    assert config.salesforce.auth == METHODS["sf_cli"].settings(org="me")
    assert config.salesforce.auth_method == "sf_cli"
    assert config.reports.list == str(tmp_path / "input/reports.csv")
    assert config.output.directory == str(tmp_path / "output")
    assert config.output.file_mode_bits == 0o640
    assert config.logging.file.path == str(tmp_path / "logs/sfr.log")
    assert config.history_path == str(tmp_path / "output/.sfr/history.sqlite3")
    assert config.lock_path == str(tmp_path / "output/.sfr/lock")
    assert [config.summary_path(target) for target in config.summary] == [
        str(tmp_path / f"output/summary_report.{name}") for name in ("csv", "json", "html")
    ]
    assert (config.fetch.threads, config.workers.count, config.fetch.retry_budget) == (4, "auto", "auto")
    assert loaded.warnings == ()
    assert loaded.secret_variables == frozenset()


def test_load_converts_a_reference_where_a_number_or_boolean_is_expected(load):
    """Only one that is the whole value; the same text stays a text where a text is expected."""
    text = MINIMAL + (
        'fetch: {threads: "${N}", timeout_s: "${F}", deadline_s: "${EMPTY}"}\n'
        'output: {keep_footer: "${B}", directory: "${N}", keep: "${NONE:-null}"}\n'
        'workers: {count: "${W}"}\n'
    )

    config = load(text, {"N": "8", "F": "1.5", "B": "true", "W": "auto", "EMPTY": ""}).config

    assert config.fetch.threads == 8
    assert config.fetch.timeout_s == 1.5
    assert config.fetch.deadline_s is None
    assert config.output.keep_footer is True
    assert config.output.keep is None
    assert config.output.directory.endswith("/8")
    assert config.workers.count == "auto"


def test_load_does_not_convert_when_the_reference_is_a_part_or_the_number_is_quoted(problems_of):
    """`1${N}` and "5" are texts."""
    problems = problems_of(MINIMAL + 'fetch: {threads: "1${N}", attempts: "5"}\n', {"N": "1"})

    assert problems == [
        "a.yaml:2: fetch.threads: expected an integer from 1 to 100; found '11' (from '1${N}')",
        "a.yaml:2: fetch.attempts: expected an integer from 1 to 1,000; found '5'",
    ]


def test_load_prefers_literals_over_environment_over_env_file(load, tmp_path):
    """Command line > YAML > default; inside the YAML, environment before .env."""
    (tmp_path / "my.env").write_text("ORG=file\nZONE=UTC\n")
    (tmp_path / "my.env").chmod(0o600)
    text = f"salesforce: {{domain: {DOMAIN}, auth: {{sf_cli: {{org: '${{ORG}}'}}}}}}\ntimezone: ${{ZONE}}\n"

    config = load(text, {"ORG": "environment", "timezone": "x"}, "my.env").config

    assert config.salesforce.auth.org == "environment"
    assert config.timezone == "UTC"


def test_load_reports_all_problems_at_once_in_line_order(problems_of):
    """Nobody should need one run per mistake to fix a configuration."""
    problems = problems_of(
        "salesforce:\n"
        "  domain: ${SFDC_DOMAIN}\n"
        "  auth: {jwt: {client_id: x}}\n"
        "fetch:\n"
        "  timout_s: 5\n"
        "  threads: many\n"
        "  attempts: 0\n"
        "  idle_timeout_s: 12:30\n"
        "threads: 4\n"
        "output: {keep_footer: yes, file_mode: 640, format: CSVV, directory: ''}\n"
        "timezone: Europe/Berln\n"
        "output: {}\n"
    )

    assert problems == [
        "a.yaml:2: salesforce.domain: `${SFDC_DOMAIN}` is defined neither in the environment nor in the .env file; "
        "define it, or give a default: `${SFDC_DOMAIN:-…}`",
        "a.yaml:3: salesforce.auth.jwt.username: missing; expected: The user to log in as.",
        "a.yaml:5: fetch.timout_s: unknown key; did you mean `timeout_s`?",
        "a.yaml:6: fetch.threads: expected an integer from 1 to 100; found 'many'",
        "a.yaml:7: fetch.attempts: expected an integer from 1 to 1,000; found 0",
        "a.yaml:8: fetch.idle_timeout_s: expected a number from 0.001 to 31,622,400; found '12:30'",
        "a.yaml:9: threads: unknown key; did you mean `fetch.threads` or `deliveries.threads`?",
        "a.yaml:10: output.directory: is empty; expected a string",
        "a.yaml:10: output.format: expected one of `csv`, `csv.gz`, `csv.zst`, `jsonl`, `parquet`, `xlsx`; found "
        "'CSVV'; did you mean `csv`?",
        "a.yaml:10: output.keep_footer: expected `true` or `false`; found 'yes'",
        'a.yaml:10: output.file_mode: expected octal permissions in quotes, such as "0640", that let the owner read '
        "and write; found 640",
        "a.yaml:11: timezone: expected `local`, `UTC` or a name of the IANA time zone database, such as "
        "`Europe/Berlin` (did you mean `Europe/Berlin`?); found 'Europe/Berln'",
        "a.yaml:12: duplicate key 'output'; the first is in line 10",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fetch: 5", "fetch: expected a mapping with keys such as `threads`"),
        ("fetch: {x: 1}", "fetch.x: unknown key; expected one of `threads`, "),
        ("fetch:\n  - 1", "a.yaml:2: fetch: expected a mapping"),
        ("fetch: {threads: [1]}", "fetch.threads: expected an integer from 1 to 100; found a list"),
        ("fetch: {threads: 1.5}", "found 1.5"),
        ("fetch: {threads: true}", "found true"),
        ("fetch: {threads: }", "found nothing"),
        ("fetch: {threads: null}", "found null"),
        ("fetch: {timeout_s: -1}", "expected a number from 0.001"),
        ("fetch: {timeout_s: 1e300}", "expected a number from 0.001"),
        ("fetch: {timeout_s: .inf}", "expected a number from 0.001"),
        ("fetch: {max_report_bytes: 0}", "expected an integer from 1"),
        ("workers: {count: some}", "expected an integer from 1 to 256, or `auto`; found 'some'"),
        ("output: {keep_footer: 1}", "expected `true` or `false`; found 1"),
        ("output: {directory: 5}", "expected a string (put it in quotes); found 5"),
        ("output: {directory: {a: b}}", "expected a string; found a mapping"),
        ('output: {directory: "a\\0b"}', "expected a path without control characters"),
        ('output: {directory: "a\\x7fb"}', "expected a path without control characters"),
        ('output: {directory: "a\\x1fb"}', "expected a path without control characters"),
        ("output: {file_mode: '0140'}", "expected octal permissions"),
        ("output: {file_mode: rw-r-----}", "expected octal permissions"),
        ("summary: csv", "summary: expected a list of mappings; found 'csv'"),
        ("summary: [csv]", "summary[0]: expected a mapping with keys such as `format`"),
        ("summary: [{path: a}]", "summary[0].format: missing; expected: Format of this summary."),
        ("summary: [{format: csv, columns: []}]", "summary[0].columns: expected a list of strings"),
        ("summary: [{format: csv, columns: [rowz]}]", "found 'rowz'; did you mean `rows`?"),
        ("summary: [{format: csv, columns: [x]}]", "summary[0].columns[0]: expected one of `file_name`, "),
        ("summary: [{format: csv, columns: [rows, rows]}]", "lists the column `rows` twice"),
        ("summary: [{format: csv}, {format: csv}]", "summary[1].path: names the same file as summary[0].path"),
        ("summary: [{format: csv, path: a.yaml}]", "names the same file as the configuration itself"),
        (
            "summary: [{format: csv, path: logs/../logs/sfr.log.2}]",
            "logging.file.path: names the same file as summary",
        ),
        ("history: {path: output/.sfr/lock}", "the lock: names the same file as history.path"),
        ("history: {path: output/.sfr/lock}\noutput: {directory: 5}", "output.directory: expected a string"),
        ("notify: {command: echo}", "notify.command: expected a list of strings"),
        ("notify: {command: [echo, null]}", "notify.command[1]: expected a string; found null"),
        ("notify: {command: [echo]}\nsummary: [{format: csv}]", "notify.command: requires a JSON summary"),
        ("notify: {ping: healthchecks}", "notify.ping: expected a URL that starts with `https://`"),
        ("reports: {items: [5]}", "reports.items[0]: expected a mapping with keys such as `report_type`"),
        ("reports: {items: [{report_nam: x}]}", "reports.items[0].report_nam: unknown key; did you mean"),
        ("reports: {items: [{x: y}]}", "reports.items[0].x: unknown key; expected one of `report_type`"),
        ("summary: [{format: csv, columns: [[x]]}]", "summary[0].columns[0]: expected one of "),
        ("summary: [{format: csv, columns: ['${NONE}']}]", "summary[0].columns[0]: `${NONE}` is defined neither"),
        ("reports: {items: [{soql: '${NONE}'}]}", "reports.items[0].soql: `${NONE}` is defined neither"),
        ("reports: {items: [{soql: [x]}]}", "reports.items[0].soql: expected a string; found a list"),
        ("logging: {console: {level: LOUD}}", "expected one of `DEBUG`, `INFO`"),
        ("guards: {max_drop_pct: 101}", "expected a number from 0 to 100, or null; found 101"),
        ("guards: {may_be_empty: maybe}", "expected one of `true`, `false`, `warn`; found 'maybe'"),
        ('"a\\e[31mb": 1', "a.yaml:2: a\\x1b[31mb: unknown key"),
        ("1: 2", "a.yaml:2: 1: unknown key"),
    ],
)
def test_load_says_what_is_expected_when_a_value_is_wrong(problems_of, text, expected):
    """One mistake, one sentence: line, key path, what is expected, what was found."""
    problems = problems_of(f"{MINIMAL}{text}\n")

    assert len(problems) == 1
    assert expected in problems[0]
    assert problems[0].startswith("a.yaml:")


@pytest.mark.parametrize(
    ("salesforce", "expected"),
    [
        ("auth: {sf_cli: {org: x}}", "a.yaml:1: salesforce.domain: missing; expected: The org's My Domain"),
        (f"domain: {DOMAIN}", "a.yaml:1: salesforce.auth: missing"),
        (f"domain: {DOMAIN}, auth: {{}}", "salesforce.auth: expected exactly one of `sid`, `jwt`"),
        (f"domain: {DOMAIN}, auth: {{}}", "; found none"),
        (f"domain: {DOMAIN}, auth: sid", "salesforce.auth: expected a mapping with keys such as `sid`"),
        (f"domain: {DOMAIN}, auth: [sid]", "salesforce.auth: expected a mapping with keys such as `sid`"),
        (f"domain: {DOMAIN}, auth: null", "salesforce.auth: expected exactly one of `sid`, `jwt`"),
        (f"domain: {DOMAIN}, auth: {{password: {{a: b}}}}", "salesforce.auth.password: unknown key"),
        (f"domain: {DOMAIN}, auth: {{sf_cli: {{org: x}}, sid: {{value: y}}}}", "found `sf_cli`, `sid`"),
        (f"domain: {DOMAIN}, auth: {{sid: {{}}}}", "expected exactly one of `value`, `file`, `command`; found none"),
        (f"domain: {DOMAIN}, auth: {{sid: {{value: x, command: [y]}}}}", "found `value`, `command`"),
        (f"domain: {DOMAIN}, auth: {{sid: {{file: none}}}}", "salesforce.auth.sid.file: the file"),
        (f"domain: {DOMAIN}, auth: {{jwt: {{client_id: a, username: b}}}}", "jwt.private_key_file: missing"),
        ("domain: acme.my.salesforce.com, auth: {sf_cli: {org: x}}", "did you mean `https://acme.my.salesforce.com`?"),
        (f"domain: {DOMAIN}, auth: {{sf_cli: {{org: ''}}}}", "salesforce.auth.sf_cli.org: is empty; expected a string"),
        (f"domain: {DOMAIN}, auth: {{sf_cli: {{org: x}}}}, api_version: v64", "expected `latest` or a version such as"),
        (f"domain: {DOMAIN}, auth: {{sf_cli: {{org: x}}}}, ca_bundle: none.pem", "salesforce.ca_bundle: the file"),
        (f"domain: {DOMAIN}, auth: {{sf_cli: {{org: x}}}}, ca_bundle: .", "is a directory; expected a readable file"),
        (f"domain: {DOMAIN}, auth: {{sf_cli: {{org: x}}}}, proxy: 'socks5://h:1'", "SOCKS is not supported"),
    ],
)  # fmt: skip
def test_load_says_what_is_expected_when_org_or_log_in_is_wrong(problems_of, salesforce, expected):
    """The two things without a default."""
    problems = problems_of(f"salesforce: {{{salesforce}}}\n")

    assert len(problems) == 1
    assert expected in problems[0]


def test_load_names_the_line_of_the_list_item_that_is_wrong(problems_of):
    """Of its key, or of the item where a key is missing."""
    problems = problems_of(
        MINIMAL
        + "summary:\n  - format: csv\n  -\n    path: x\nreports:\n  items:\n    - soql: x\n      a: b\n    - 5\n"
    )

    assert [problem.partition(": ")[0] for problem in problems] == ["a.yaml:5", "a.yaml:9", "a.yaml:10"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fetch: {threads: 1}", ["salesforce.domain: missing", "salesforce.auth: missing"]),
        ("salesforce:", ["salesforce.domain: missing", "salesforce.auth: missing"]),
        ("salesforce: x", ["salesforce: expected a mapping with keys such as `domain`, `auth`"]),
    ],
)
def test_load_names_what_is_missing_when_the_org_is(problems_of, text, expected):
    """Once each, by key path."""
    problems = problems_of(text)

    assert len(problems) == len(expected)
    assert all(wanted in problem for wanted, problem in zip(expected, problems, strict=True))


def test_load_maps_the_host_of_lightning_pages_and_warns_of_it(load):
    """What a browser shows is taken for what is meant, and said."""
    text = "salesforce: {domain: https://Acme.lightning.force.com/, auth: {sf_cli: {org: me}}}"
    loaded = load(text)

    assert loaded.config.salesforce.domain == DOMAIN
    assert len(loaded.warnings) == 1
    assert loaded.warnings[0].startswith("salesforce.domain: 'https://Acme.lightning.force.com/' is the host of")


def test_load_does_not_mention_files_of_a_second_log_in_method(problems_of):
    """Which of the two is meant comes first."""
    auth = "{jwt: {client_id: a, username: b, private_key_file: none}, sid: {value: x, command: [y]}}"

    problems = problems_of(f"salesforce: {{domain: {DOMAIN}, auth: {auth}}}\n")

    assert len(problems) == 1
    assert problems[0].endswith("; found `jwt`, `sid`")


def test_load_finds_what_is_wrong_between_options_beside_what_is_wrong_with_others(problems_of):
    """Rules are held against what is right, whatever else is missing or wrong."""
    problems = problems_of(
        "salesforce: {ca_bundle: none.pem, auth: {jwt: {client_id: a, username: b, private_key_file: none.key}}}\n"
        "fetch: {threads: 0}\n"
        "logging: {file: {path: output/.sfr/lock}, console: {level: LOUD}}\n"
        "summary: [{format: csv}, {format: html}]\n"
        "notify: {command: [echo]}\n"
    )

    assert [problem.split(": ")[1] for problem in problems] == [
        "the lock", "salesforce.domain", "salesforce.ca_bundle", "salesforce.auth.jwt.private_key_file",
        "fetch.threads", "logging.console.level", "notify.command",
    ]  # fmt: skip


def test_load_shows_no_secret_that_is_in_a_list_by_mistake(problems_of):
    """It is a secret all the same, and masked wherever else it appears."""
    text = f"salesforce: {{domain: {DOMAIN}, auth: {{soap: {{username: u, password: [canary]}}}}}}\ntimezone: canary\n"

    problems = problems_of(text)

    assert len(problems) == 2
    assert not [problem for problem in problems if "canary" in problem]


def test_load_reports_a_second_log_in_method_where_a_variable_is_missing_too(problems_of):
    """All at once: who defines the variable does not get the other problem next."""
    text = f"salesforce: {{domain: {DOMAIN}, auth: {{sf_cli: {{org: '${{NONE}}'}}, sid: {{value: x}}}}}}\n"

    undefined, too_many = problems_of(text)

    assert "auth.sf_cli.org: `${NONE}` is defined neither" in undefined
    assert "auth: expected exactly one of" in too_many


def test_load_shows_no_secret_of_a_second_log_in_method(problems_of):
    """Neither method is read; what they hold is masked wherever else it appears."""
    auth = "{soap: {username: u, password: canary-1234}, sid: {value: '${SID}'}}"

    problems = problems_of(
        f"salesforce: {{domain: {DOMAIN}, auth: {auth}}}\ntimezone: canary-1234\nfetch: {{threads: '${{OTHER}}'}}\n",
        {"SID": "canary-5678", "OTHER": "canary-5678"},
    )

    assert len(problems) == 3
    assert "canary" not in "".join(problems)


def test_load_accepts_the_columns_of_a_summary_in_the_given_order(load):
    """Any of them, each once."""
    summary = load(MINIMAL + "summary: [{format: csv, columns: [rows, report_id]}]").config.summary

    assert summary[0].columns == ("rows", "report_id")


def test_load_accepts_a_command_when_any_summary_is_json(load, problems_of):
    """Of the default ones, one is; where the list itself is wrong, nobody knows."""
    command = MINIMAL + "notify: {command: [echo]}\n"

    assert load(command).config.notify.command == ("echo",)
    assert len(problems_of(command + "summary: [{format: cvs}]")) == 1


@pytest.mark.parametrize("value", ['"64.0"', "64.0", "latest"])
def test_load_accepts_api_version_with_and_without_quotes(load, value):
    """A version is a text that looks like a number."""
    text = f"salesforce: {{domain: {DOMAIN}, api_version: {value}, auth: {{sf_cli: {{org: me}}}}}}\n"

    assert load(text).config.salesforce.api_version == value.strip('"')


@pytest.mark.parametrize(("value", "is_taken"), [(0, False), (1, True), (100, True), (101, False)])
def test_load_accepts_a_number_up_to_its_limits(load, problems_of, value, is_taken):
    """The limits themselves are right."""
    text = MINIMAL + f"fetch: {{threads: {value}}}\n"

    if is_taken:
        assert load(text).config.fetch.threads == value
    else:
        assert "from 1 to 100" in problems_of(text)[0]


def test_load_treats_an_empty_reference_as_null_where_null_is_allowed(load, problems_of):
    """A variable that is set to nothing switches off what null does; an empty text that was written is a mistake."""
    assert load(MINIMAL + "history: {path: '${EMPTY}'}", {"EMPTY": ""}).config.history.path is None
    assert problems_of(MINIMAL + "history: {path: ''}\noutput: {directory: '${EMPTY}'}", {"EMPTY": ""}) == [
        "a.yaml:2: history.path: is empty; expected a string, or null",
        "a.yaml:3: output.directory: is empty (from '${EMPTY}'); expected a string",
    ]


@pytest.mark.parametrize(
    ("password", "expected"), [("0123", "0123"), ("12.50", "12.50"), ("true", "true"), ('"a\\tb"', "a\tb")]
)
def test_load_accepts_any_text_for_a_secret(load, password, expected):
    """Nobody has to know which passwords look like numbers to YAML."""
    text = (
        f"salesforce: {{domain: {DOMAIN}, auth: {{soap: {{username: u, security_token: '', password: {password}}}}}}}\n"
    )

    assert load(text).config.salesforce.auth.password == Secret(expected)


def test_load_accepts_spaces_in_paths(load, tmp_path):
    """Only what no terminal shows is refused."""
    assert load(MINIMAL + "output: {directory: my reports~}").config.output.directory == str(tmp_path / "my reports~")


@pytest.mark.parametrize("password", ["", "null", "~"])
def test_load_rejects_null_for_a_secret(problems_of, password):
    """`password: null` is a password left out, and never the word."""
    problems = problems_of(f"salesforce: {{domain: {DOMAIN}, auth: {{soap: {{username: u, password: {password}}}}}}}\n")

    assert len(problems) == 1
    assert "salesforce.auth.soap.password: expected a string; found n" in problems[0]


@pytest.mark.parametrize(("version", "is_right"), [("46.0", False), ("47.0", True), ("100.0", False), ("64", False)])
def test_load_accepts_api_versions_that_have_the_required_features(load, problems_of, version, is_right):
    """From 47.0 on, as Salesforce writes them."""
    text = f"salesforce: {{domain: {DOMAIN}, api_version: '{version}', auth: {{sf_cli: {{org: me}}}}}}\n"

    if is_right:
        assert load(text).config.salesforce.api_version == version
    else:
        assert 'or a version such as "64.0", not before "47.0"; found' in problems_of(text)[0]


@pytest.mark.parametrize("mode", ["0600", "0640", "0777"])
def test_load_accepts_file_modes_that_let_sfr_replace_its_own_files(load, mode):
    """Whatever others may do."""
    assert load(MINIMAL + f"output: {{file_mode: '{mode}'}}").config.output.file_mode_bits == int(mode, 8)


@pytest.mark.parametrize("mode", ["0577", "0440", "0240", "1640", "640", "0680", "06400"])
def test_load_rejects_file_modes_that_are_invalid_or_would_lock_sfr_out(problems_of, mode):
    """Four octal digits, of which the owner's read and write are two."""
    assert "expected octal permissions in quotes" in problems_of(MINIMAL + f"output: {{file_mode: '{mode}'}}")[0]


def test_load_rejects_to_send_credentials_over_http(problems_of):
    """Log-in requests go by https only."""
    problems = problems_of(
        f"salesforce: {{domain: {DOMAIN}, auth: {{jwt: {{client_id: a, username: b, private_key_file: /dev/null, "
        "token_url: 'http://login.salesforce.com'}}}\n"
    )

    assert len(problems) == 1
    assert "salesforce.auth.jwt.token_url: expected a URL that starts with `https://`" in problems[0]


@pytest.mark.parametrize(("value", "expected"), [("true", "true"), ("FALSE", "false"), ("warn", "warn")])
def test_load_accepts_booleans_where_they_are_choices(load, value, expected):
    """`may_be_empty: true` means what it says."""
    assert load(MINIMAL + f"guards: {{may_be_empty: {value}}}").config.guards.may_be_empty == expected


def test_load_needs_no_private_key_when_org_is_the_embedded_one(load):
    """The embedded org makes the key pair itself."""
    config = load("salesforce: {domain: emulator, auth: {jwt: {client_id: a, username: b}}}").config

    assert config.salesforce.is_emulator
    assert config.salesforce.auth.private_key_file is None


def test_load_uses_defaults_for_empty_sections(load):
    """A section whose keys are all commented out is no mistake."""
    assert load(MINIMAL + "fetch:\nsummary:\nguards:\nreports: {items: }\n").config.fetch.threads == 4


def test_load_writes_no_summary_when_the_list_is_empty(load):
    """Any number of them means none, too."""
    assert load(MINIMAL + "summary: []").config.summary == ()


def test_load_collects_secrets_and_the_variables_they_came_from(load):
    """Secrets print as a mask, are known to the redactor, and name the variables that leave the environment."""
    text = (
        "salesforce: {domain: '${HOST}', proxy: 'http://u:${PROXYPW}@proxy:1', auth: {soap: {username: '${U}', "
        "password: '${PW}', security_token: '${cred:token}'}}}\n"
        "notify: {ping: 'https://hc.example/${UUID}', webhook: 'http://127.0.0.1:9/hooks/canary-hook'}\n"
    )
    os.mkdir("credentials")
    with open("credentials/token", "w") as file:
        file.write("canary-token\n")
    os.chmod("credentials/token", 0o400)
    environ = {
        "HOST": DOMAIN, "U": "me", "PW": 'canary "pass" $#', "UUID": "canary-uuid", "PROXYPW": "canary-proxy",
        "CREDENTIALS_DIRECTORY": os.path.abspath("credentials"),
    }  # fmt: skip

    loaded = load(text, environ)

    auth = loaded.config.salesforce.auth
    assert auth.password == Secret('canary "pass" $#')
    assert auth.security_token.reveal() == "canary-token"
    assert "canary" not in repr(loaded.config)
    assert loaded.secret_variables == {"PW", "UUID", "PROXYPW"}
    for secret in ('canary "pass" $#', "canary-token", "/canary-uuid", "canary-proxy", "/hooks/canary-hook"):
        assert "canary" not in loaded.redactor.redact(f"x {secret} y")
    assert loaded.redactor.redact(f"{DOMAIN} http://127.0.0.1:10 null me") == f"{DOMAIN} http://127.0.0.1:10 null me"


def test_load_registers_the_password_of_the_environments_proxy_with_the_redactor(load):
    """`proxy: env`: the variable is needed all along and stays; its password is masked."""
    environ = {"HTTPS_PROXY": "http://u:canary%40pw@proxy:1", "http_proxy": "http://canary-user@[bad", "NO_PROXY": "x"}

    loaded = load(f"salesforce: {{domain: {DOMAIN}, proxy: env, auth: {{sf_cli: {{org: me}}}}}}\n", environ)

    assert loaded.redactor.redact("407 for u:canary%40pw, canary@pw") == "407 for u:***, ***"


def test_load_shows_no_secret_when_something_is_wrong(problems_of):
    """Problems go to terminals and logs; what is wrong may be that a secret is in the wrong place."""
    canary = "canary-hunter2"
    problems = problems_of(
        "salesforce:\n"
        "  domain: https://u:canary-other@acme.my.salesforce.com\n"
        "  proxy: canary-hunter2\n"
        "  auth: {soap: {username: {a: b}, password: '${PW}', security_token: [canary-hunter2]}}\n"
        "  sid: canary-hunter2\n"
        "fetch: {threads: '${PW}', attempts: '${OTHER}'}\n"
        "notify: {ping: canary-hunter2}\n"
        "timezone: '${MY_TOKEN}'\n",
        {"PW": canary, "MY_TOKEN": "canary-token", "OTHER": canary},
    )

    assert len(problems) >= 8
    assert not [problem for problem in problems if "canary" in problem]


@pytest.mark.parametrize(
    "text",
    [
        "salesforce: {domain: DOMAIN, auth: {jwt: {client_id: a, username: b, private_key_file: /dev/null, "
        "token_url: zebra-crossing}}}",
        MINIMAL + "timezone: '${MY_TOKEN}'",
        MINIMAL + "timezone: '${cred:token}'",
        MINIMAL + "fetch: {threads: 'x${MY_TOKEN}y'}",
        MINIMAL + "notify: {ping: zebra-crossing}",
        MINIMAL + "notify: {ping: '${PLAIN}'}",
    ],
)
def test_load_shows_no_wrong_value_when_it_may_be_a_secret(problems_of, tmp_path, text):
    """By its place in the configuration, the name of its variable, or the file it came from; each alone is enough."""
    (tmp_path / "token").write_text("zebra-crossing")
    (tmp_path / "token").chmod(0o400)
    environ = {"MY_TOKEN": "zebra-crossing", "PLAIN": "zebra-crossing", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    problems = problems_of(text.replace("DOMAIN", DOMAIN), environ)

    assert len(problems) == 1
    assert "; found something else" in problems[0]
    assert "zebra" not in problems[0]


def test_load_registers_a_credential_with_the_redactor_wherever_it_is_used(load, tmp_path):
    """Whoever puts a value there calls it a secret."""
    (tmp_path / "token").write_text("zebra-crossing")
    (tmp_path / "token").chmod(0o400)
    text = f"salesforce: {{domain: {DOMAIN}, auth: {{sf_cli: {{org: '${{cred:token}}'}}}}}}\n"

    assert load(text, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).redactor.redact("zebra-crossing") == "***"


def test_load_does_not_treat_system_certificates_as_a_file(load):
    """`system` is a word, not a path."""
    text = f"salesforce: {{domain: {DOMAIN}, ca_bundle: system, auth: {{sf_cli: {{org: me}}}}}}\n"

    assert load(text).config.salesforce.ca_bundle == "system"


@pytest.mark.parametrize("url", ["http://", "https://", "http:// x", "HTTP:// canary"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIMAL + "notify: {webhook: '${HOOK}'}\n", "a URL that starts with `https://` or `http://`"),
        (MINIMAL + "notify: {webhook: 'URL'}\n", "a URL that starts with `https://` or `http://`"),
        (MINIMAL.replace("auth:", "proxy: 'URL', auth:"), "a URL such as `http://proxy.example.com:3128`"),
    ],
)
def test_load_says_what_a_url_has_to_be_when_the_wrong_one_is_short(problems_of, text, expected, url):
    """Hiding the value hides no word of the sentence, though both have the beginning of a URL."""
    (problem,) = problems_of(text.replace("URL", url), {"HOOK": url})

    assert expected in problem
    assert "canary" not in problem


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("notify: https://hooks.example.com/canary\n", "notify"),
        ("notify: '${HOOK}'\n", "notify"),
        ("salesforce: canary\n", "salesforce"),
    ],
)
def test_load_shows_no_value_in_place_of_a_section_that_holds_secrets(problems_of, text, path):
    """The URL that belongs under `notify.webhook` is as secret one level too high."""
    org = "" if path == "salesforce" else MINIMAL

    (problem,) = [found for found in problems_of(org + text, {"HOOK": "https://x/canary"}) if f" {path}: " in found]

    assert "canary" not in problem
    assert "expected a mapping with keys such as" in problem
    assert "found something else" in problem


def test_load_proposes_no_name_made_of_a_value_that_may_be_secret(problems_of):
    """What a domain was meant to be is the value itself, written in another way."""
    text = "salesforce: {domain: '${SFDC_PASSWORD}', auth: {sf_cli: {org: me}}}\n"

    (problem,) = problems_of(text, {"SFDC_PASSWORD": "Canary"})

    assert "canary" not in problem.lower()
    assert "found something else (from '${SFDC_PASSWORD}')" in problem


@pytest.mark.parametrize(
    "method",
    [
        "refresh_token: {client_id: a, token_file: '${SFDC_REFRESH_TOKEN}'}",
        f"refresh_token: {{client_id: a, token_file: 5Aep861canary{'x' * 40}}}",
        "jwt: {client_id: a, username: b, private_key_file: '-----BEGIN PRIVATE KEY-----canary'}",
        f"jwt: {{client_id: a, username: b, private_key_file: canary/{'x' * 200}}}",
    ],
)
def test_load_shows_no_secret_given_in_place_of_its_file(problems_of, method):
    """A token or key itself, or the variable that holds it, is an easy mistake."""
    text = f"salesforce: {{domain: {DOMAIN}, auth: {{{method}}}}}\n"

    (problem,) = problems_of(text, {"SFDC_REFRESH_TOKEN": "5Aep861canary"})

    assert "canary" not in problem
    assert problem.endswith("there is no such file; expected the path of a file, not what the file holds")


def test_load_warns_when_others_may_read_a_secret(load, tmp_path):
    """Key files, .env and configurations with a secret in them are nobody else's business."""
    for name, mode in (("key.pem", 0o644), (".env", 0o640)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)

    loaded = load(
        f"salesforce: {{domain: {DOMAIN}, auth: {{jwt: {{client_id: a, username: b, private_key_file: key.pem}}}}}}\n"
    )

    assert [warning.replace(str(tmp_path), "") for warning in loaded.warnings] == [
        "'.env' may be read by its group (mode 0640); run chmod 600 on it",
        "salesforce.auth.jwt.private_key_file: '/key.pem' may be read by its group and all users (mode 0644); "
        "run chmod 600 on it",
    ]


#: Kind of file: settings of the log-in, and whether it is one of systemd's credentials.
SECRET_FILES = {
    "private key": ("jwt: {client_id: a, username: b, private_key_file: secret}", False),
    "private key, lent": (
        "jwt: {client_id: a, username: b, private_key_file: '${CREDENTIALS_DIRECTORY}/secret'}",
        True,
    ),
    "refresh token": ("refresh_token: {client_id: a, token_file: secret}", False),
    "session id": ("sid: {file: secret}", False),
    "session id, lent": ("sid: {file: '${CREDENTIALS_DIRECTORY}/secret'}", True),
    "credential": ("sid: {value: '${cred:secret}'}", True),
    ".env": ("sid: {value: '${SID}'}", False),
    ".env, lent": ("sid: {value: '${SID}'}", True),
}


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640, 0o604, 0o444])
@pytest.mark.parametrize("kind", SECRET_FILES)
def test_load_warns_once_of_each_kind_of_secret_file_that_others_may_read(load, tmp_path, kind, mode):
    """What systemd lends to the service shows as readable by the group; there only everybody else counts."""
    auth, is_lent = SECRET_FILES[kind]
    directory = tmp_path / "lent" if is_lent else tmp_path
    directory.mkdir(exist_ok=True)
    (directory / "secret").write_text("SID=x\n")
    (directory / "secret").chmod(mode)

    loaded = load(
        f"salesforce: {{domain: {DOMAIN}, auth: {{{auth}}}}}\n",
        {"CREDENTIALS_DIRECTORY": str(tmp_path / "lent")},
        str(directory / "secret") if ".env" in kind else None,
    )

    warnings = [warning for warning in loaded.warnings if "may be read by" in warning]
    assert len(warnings) == bool(mode & (0o004 if is_lent else 0o044))
    assert all(f"(mode {mode:04o}); run chmod 600" in warning for warning in warnings)
    assert not any("group" in warning for warning in warnings if is_lent)


def test_load_warns_when_configuration_itself_holds_a_secret_that_others_may_read(tmp_path, monkeypatch):
    """A password in a file that everybody may read is a published one; the embedded org's is published anyway."""
    monkeypatch.chdir(tmp_path)
    warnings = []
    for domain in (DOMAIN, "emulator"):
        (tmp_path / "a.yaml").write_text(
            f"salesforce: {{domain: {domain}, auth: {{soap: {{username: u, password: canary}}}}}}"
        )
        (tmp_path / "a.yaml").chmod(0o644)
        warnings.append(load_config("a.yaml", environ={}).warnings)

    assert len(warnings[0]) == 1
    assert warnings[0][0].startswith("`salesforce.auth.soap.password`: the configuration contains a secret")
    assert warnings[1] == ()


@pytest.mark.parametrize(
    "salesforce",
    [
        "auth: {soap: {username: u, password: '${PW}', security_token: ''}}",
        "auth: {soap: {username: u, password: '${PW}', security_token: '${NONE:-}'}}",
        "proxy: env, auth: {sf_cli: {org: me}}",
    ],
)
def test_load_does_not_warn_when_everybody_may_read_a_configuration_without_a_secret(tmp_path, monkeypatch, salesforce):
    """References, empty texts and words are none; nor is a word masked in messages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(f"salesforce: {{domain: {DOMAIN}, {salesforce}}}")
    (tmp_path / "a.yaml").chmod(0o644)

    loaded = load_config("a.yaml", environ={"PW": "canary"})

    assert loaded.warnings == ()
    assert loaded.redactor.redact("the env as it is") == "the env as it is"


def test_load_raises_when_named_env_file_is_missing(problems_of):
    """A missing default is fine, a missing --env-file is not."""
    assert problems_of(MINIMAL, env_file="none.env") == [
        "none.env: there is no such file; expected the file that --env-file names"
    ]


def test_load_leaves_list_out_when_items_are_given_and_the_default_list_is_missing(load, tmp_path):
    """Items alone are a list; a list that was named, or is there, stays."""
    items = "reports: {items: [{report_type: SFDC}]}\n"
    named = "reports: {list: input/reports.csv, items: [{report_type: SFDC}]}\n"

    assert load(MINIMAL + items).config.reports.list is None
    assert load(MINIMAL + named).config.reports.list == str(tmp_path / "input/reports.csv")
    (tmp_path / "input").mkdir()
    (tmp_path / "input/reports.csv").touch()
    assert load(MINIMAL + items).config.reports.list == str(tmp_path / "input/reports.csv")


def test_load_reads_report_items_as_strings_with_their_location(load):
    """Numbers, booleans and nothing become what the list's cells would hold."""
    text = MINIMAL + (
        "reports:\n  items:\n    - {report_type: SFDC, min_rows: 5, may_be_empty: true, route: , report_id: '${ID}'}\n"
    )

    item = load(text, {"ID": "00OD0000001ZbP7"}).config.reports.items[0]

    assert item.cells == {
        "report_type": "SFDC", "min_rows": "5", "may_be_empty": "true", "route": "", "report_id": "00OD0000001ZbP7",
    }  # fmt: skip
    assert item.place == "a.yaml:4: reports.items[0]"


def test_load_makes_a_new_format_valid_by_its_registry_line_alone(load, monkeypatch):
    """Nothing in the loader knows the formats by name; the registry says what they need."""
    from sfr.formats import FORMATS
    from sfr.summaries import FORMATS as SUMMARIES

    monkeypatch.setitem(FORMATS, "new", FORMATS["csv"])
    monkeypatch.setitem(SUMMARIES, "newer", SUMMARIES["csv"])

    config = load(MINIMAL + "output: {format: new}\nsummary: [{format: newer}]").config

    assert config.output.format == "new"
    assert config.summary_path(config.summary[0]).endswith("summary_report.newer")


def test_load_names_the_install_command_when_a_format_lacks_its_extra(problems_of, monkeypatch):
    """The registry entry knows what is missing."""
    from dataclasses import replace

    from sfr.formats import FORMATS

    missing = replace(FORMATS["parquet"], missing_extra=lambda: "needs pyarrow: pip install 'sfr[parquet]'")
    monkeypatch.setitem(FORMATS, "parquet", missing)

    assert problems_of(MINIMAL + "output: {format: parquet}") == [
        "a.yaml:2: output.format: needs pyarrow: pip install 'sfr[parquet]'"
    ]


def test_load_leaves_the_environment_alone(load, tmp_path):
    """Workers would inherit what `.env` put there."""
    (tmp_path / ".env").write_text("ORG=from-dotenv\n")
    before = dict(os.environ)

    load(f"salesforce: {{domain: {DOMAIN}, auth: {{sf_cli: {{org: '${{ORG}}'}}}}}}\n", dict(os.environ))

    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("output: {directory: ~/x}", lambda config: config.output.directory),
        ("reports: {list: ~/x}", lambda config: config.reports.list),
        ("history: {path: ~/x}", lambda config: config.history.path),
        ("logging: {file: {path: ~/x}}", lambda config: config.logging.file.path),
        ("summary: [{format: csv, path: ~/x}]", lambda config: config.summary[0].path),
        ('output: {directory: "${OUT}"}', lambda config: config.output.directory),
    ],
)
def test_load_fills_in_the_home_directory_in_every_path(load, monkeypatch, text, read):
    """A service has no shell that does it."""
    monkeypatch.setenv("HOME", "/home/me")

    assert read(load(f"{MINIMAL}{text}\n", {"OUT": "~/x"}).config) == "/home/me/x"


def test_load_fills_in_the_home_directory_in_files_that_are_read(load, monkeypatch, tmp_path):
    """Key, token and certificate files, and the configuration itself."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("key.pem", "ca.pem"):
        (tmp_path / name).touch(0o600)
    text = (
        f"salesforce:\n  domain: {DOMAIN}\n  ca_bundle: ~/ca.pem\n"
        "  auth: {jwt: {client_id: a, username: b, private_key_file: ~/key.pem}}\n"
    )

    config = load(text).config

    assert config.salesforce.ca_bundle == str(tmp_path / "ca.pem")
    assert config.salesforce.auth.private_key_file == str(tmp_path / "key.pem")
    assert load_config("~/a.yaml", environ={}).config == config


@pytest.mark.parametrize("path", ["$HOME/x", "%USERPROFILE%", "C:\\x", "\\\\server\\share", "smb://s/x", "x\u200b"])
@pytest.mark.parametrize(
    "option",
    [
        "output: {directory: 'PATH'}",
        "reports: {list: 'PATH'}",
        "history: {path: 'PATH'}",
        "logging: {file: {path: 'PATH'}}",
        "summary: [{format: csv, path: 'PATH'}]",
    ],
)
def test_load_rejects_paths_of_other_systems_in_every_option(problems_of, option, path):
    """A file or directory of that very name would be made, and the exit code be 0."""
    (problem,) = problems_of(f"{MINIMAL}{option.replace('PATH', path)}\n")

    assert problem.startswith("a.yaml:2: ")
    assert "expected a path" in problem


def test_load_config_rejects_a_path_of_another_system_for_itself(load):
    """The option is named."""
    with pytest.raises(ConfigurationError, match="--config: expected a path without `%NAME%`"):
        load_config("%USERPROFILE%/a.yaml", environ={})


def test_load_names_the_line_of_the_env_file_that_was_ignored(problems_of, tmp_path):
    """The words "defined neither" alone send people to the wrong place."""
    (tmp_path / ".env").write_text("A=1\nSFDC_PASSWORD='hunter2\nSFDC_SID: hunter2\n")
    soap = "{username: '${SFDC_SID}', password: '${SFDC_PASSWORD}'}"
    text = f"salesforce: {{domain: {DOMAIN}, auth: {{soap: {soap}}}}}\n"

    problems = problems_of(text)

    assert ".env:3 names it, but is ignored" in problems[0]
    assert ".env:2 names it, but is ignored" in problems[1]
    assert "hunter2" not in "".join(problems)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("“hunter2”", "quotes"),
        ("'hunter2'", "quotes"),
        ("hunter2\u200b", "U+200B ZERO WIDTH SPACE"),
        ("hunter2 ", "a blank"),
        ("hunter2\r", "a line end"),
        ("hun\tter2", "escapes"),
        ("hunter2", None),
        ("-----BEGIN X-----\nhunter2\n-----END X-----", None),
    ],
)
def test_load_warns_of_a_value_that_was_pasted_with_more_than_was_meant(load, value, expected):
    """It is used as it is: it may be a password. It is not quoted."""
    text = f"salesforce: {{domain: {DOMAIN}, auth: {{sid: {{value: '${{SFDC_SID}}'}}}}}}\n"

    warnings = load(text, {"SFDC_SID": value, "UNUSED": "'x'"}).warnings

    assert len(warnings) == (1 if expected else 0)
    if expected:
        assert expected in warnings[0]
        assert "`${SFDC_SID}`" in warnings[0]
        assert "hunter2" not in warnings[0]


def test_load_rejects_texts_with_characters_that_are_invisible(problems_of):
    """Names of orgs and users."""
    (problem,) = problems_of(f'salesforce: {{domain: {DOMAIN}, auth: {{sf_cli: {{org: "me\\u200b"}}}}}}\n')

    assert "U+200B ZERO WIDTH SPACE" in problem


def test_load_names_what_are_invisible_in_a_value_that_it_shows(problems_of):
    """`threads: 4` looks right."""
    (problem,) = problems_of(f"{MINIMAL}fetch: {{threads: 4\u00a0}}\n")

    assert "U+00A0 NO-BREAK SPACE" in problem


def test_load_warns_when_the_machine_does_not_know_its_time_zone(load):
    """Dates and log times are UTC then."""
    (warning,) = load(MINIMAL, {"TZ": "Nowhere/Land"}).warnings

    assert "TZ='Nowhere/Land'" in warning
    assert "UTC" in warning


def test_load_maps_hosts_of_lightning_and_setup_to_the_org_s_own(load):
    """Of military and Chinese orgs, too."""
    for given, own in (
        ("acme.lightning.crmforce.mil", "acme.my.salesforce.mil"),
        ("acme.lightning.sfcrmapps.cn", "acme.my.sfcrmproducts.cn"),
        ("acme--uat.sandbox.my.salesforce-setup.com", "acme--uat.sandbox.my.salesforce.com"),
    ):
        loaded = load(MINIMAL.replace(DOMAIN, f"https://{given}"))

        assert loaded.config.salesforce.domain == f"https://{own}"
        assert given in loaded.warnings[0]


COMMAND = "salesforce: {{domain: {}, auth: {{sid: {{command: {}}}}}}}\n"


def test_load_registers_values_of_references_in_a_command_as_secrets(load):
    """It is visible in the process table: a warning says what is better, and it is a secret everywhere else."""
    environ = {"VAULTTOKEN": "canary-vault-token", "HOME": os.getcwd(), "UNUSED": "x"}
    text = COMMAND.format(DOMAIN, "['${HOME}/vault', '--token=${VAULTTOKEN}', '${NONE:-default}', plain]")

    loaded = load(text, environ)

    assert loaded.config.salesforce.auth.command[1] == "--token=canary-vault-token"
    assert loaded.secret_variables == {"VAULTTOKEN"}
    assert loaded.redactor.redact(f"x canary-vault-token {os.getcwd()} default plain") == (
        f"x *** {os.getcwd()} default plain"
    )
    (warning,) = loaded.warnings
    assert warning.startswith("salesforce.auth.sid.command[1]: `${VAULTTOKEN}`")
    assert "standard input" in warning
    assert "file" in warning


def test_load_treats_credential_and_dotenv_values_in_a_command_as_secrets(load, tmp_path):
    """Wherever the reference gets it from."""
    for name, content in (("credential", "canary-credential"), (".env", "TOKEN=canary-dotenv")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    text = COMMAND.format(DOMAIN, "[vault, '${cred:credential}', '${TOKEN}']")

    loaded = load(text, {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert loaded.secret_variables == frozenset()
    assert "canary" not in loaded.redactor.redact("canary-credential canary-dotenv")
    assert [warning.partition(":")[0] for warning in loaded.warnings] == [
        "salesforce.auth.sid.command[1]", "salesforce.auth.sid.command[2]",
    ]  # fmt: skip


def test_load_does_not_warn_of_a_command_without_references(load):
    """What the file says itself is no secret of the environment."""
    assert load(COMMAND.format(DOMAIN, "[vault, read]")).warnings == ()


def test_load_masks_values_of_variables_with_names_of_secrets_in_the_notify_command(load):
    """Its output goes to the log file, and may repeat its arguments; other variables are words."""
    text = MINIMAL + "notify: {command: [post, 'Bearer ${CHAT_TOKEN}', '${CHANNEL}']}\n"

    loaded = load(text, {"CHAT_TOKEN": "canary-token", "CHANNEL": "alerts"})

    assert loaded.config.notify.command == ("post", "Bearer canary-token", "alerts")
    assert loaded.redactor.redact("sent canary-token to alerts") == "sent *** to alerts"
    assert loaded.secret_variables == frozenset()
