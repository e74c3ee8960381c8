"""Explains a wrong command line to newcomers: which argument they mixed up, or where a value was looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from glob import glob

from sfr.arguments import DEFAULT_CONFIG
from sfr.config.dotenv_file import DEFAULT_ENV_FILE, own_env_file
from sfr.config.yaml_file import FIRST_STEPS
from sfr.errors import ConfigurationError, ReportListError
from sfr.wording import listed, quoted, shown

#: Configurations that come with SFR: they are of no org.
_EXAMPLES = frozenset({"sfr.yaml", "demo.yaml"})
#: Maximum number of configurations that the message names.
_MAX_NAMED = 10


@contextmanager
def explained(config: str, env_file: str | None, report_list: str | None = None) -> Iterator[None]:
    """Adds hints to the problems of a configuration or report list that is loaded in the block.

    The parameters are what the command line says.
    """
    try:
        yield
    except (ConfigurationError, ReportListError) as error:
        hints = list(_hints(config, env_file, report_list, error.problems))
        if not hints:
            raise
        raise type(error)(*error.problems, *hints) from error


def _hints(config: str, env_file: str | None, report_list: str | None, problems: Sequence[str]) -> Iterator[str]:
    is_example = config == DEFAULT_CONFIG and any("${SFDC_DOMAIN}" in problem for problem in problems)
    if config.lower().endswith(".csv"):
        yield f"{shown(config, 300)} has the name of a report list, which is given without an option."
    if report_list and report_list.lower().endswith((".yaml", ".yml")):
        yield f"{quoted(report_list, 300)} has the name of a configuration, which is given as `--config FILE`."
    elif is_example or (config == DEFAULT_CONFIG and not os.path.lexists(config)):
        yield from _hint_without_org(is_example=is_example)
    if not is_example and env_file is None and any("is defined neither" in problem for problem in problems):
        yield from _hint_without_env_file(config)


def _hint_without_org(*, is_example: bool) -> Iterator[str]:
    """The default configuration is not there, or is the example of all options."""
    paths = glob(os.path.join(os.path.dirname(DEFAULT_CONFIG), "*.yaml"))
    names = [shown(path, 300) for path in sorted(paths) if os.path.basename(path) not in _EXAMPLES]
    if names:
        rest = f" and {len(names) - _MAX_NAMED:,} more" if len(names) > _MAX_NAMED else ""
        others = f"Other configurations here: {listed(names[:_MAX_NAMED])}{rest}"
        yield f"Without `--config`, {DEFAULT_CONFIG} is used. {others}; give one as `--config FILE`."
    elif is_example:  # for a missing file the message has it
        yield f"No org is configured yet. {FIRST_STEPS}"


def _hint_without_env_file(config: str) -> Iterator[str]:
    names = (own_env_file(config), DEFAULT_ENV_FILE)
    if not any(map(os.path.lexists, names)):
        files = " nor ".join(f"`{shown(name, 300)}`" for name in names)
        place = ""
        with suppress(OSError):  # it may have been removed
            place = f" {shown(os.getcwd(), 300)}"
        yield f"Neither {files} is in the working directory{place}; they are read there only."
