"""The commands of the program, one module each: each takes the arguments and returns an exit code.

A command with a name (`sfr schema`) is one module here with `add_arguments(parser)` and `main(arguments)`, and one
line in `COMMANDS`. Importing this imports none of them.
"""

from __future__ import annotations

#: Name → (module, summary). `run` is the command when none is given; its options are those of the program itself.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("sfr.commands.run", "download the configured reports: the same as no command"),
    "init": ("sfr.commands.init", "set up an org: ask questions, write the files, try the log-in, choose reports"),
    "login": ("sfr.commands.login", "log in with a browser, once, for `refresh_token`"),
    "doctor": ("sfr.commands.doctor", "check a set-up: what would fail tonight, and what to do"),
    "fleet": ("sfr.commands.fleet", "run many orgs, one process each, and sum up how they ended"),
    "schema": ("sfr.commands.schema", "print the JSON Schema of the configuration, for editors"),
}
