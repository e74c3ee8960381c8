"""Escapes lines for the systemd journal, which reads standard output and standard error alike.

The journal takes `<0>` to `<7>` at the start of a line for the line's priority (sd-daemon(3)), and sends the highest to
all terminals; `logger --prio-prefix` takes up to three digits.
"""

from __future__ import annotations

import re

#: Older journals drop blanks before they look.
_PRIORITY = re.compile(r"^([^\S\n]*)<(?=[0-9]{1,3}>)", re.MULTILINE)


def without_priorities(text: str) -> str:
    r"""The text, no line of which begins with a priority: `<0>` there becomes `\x3c0>`."""
    return _PRIORITY.sub(r"\1\\x3c", text) if "<" in text else text
