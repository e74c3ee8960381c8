"""Escapes lines for the systemd journal, which reads both standard output and standard error.

The journal interprets `<0>` to `<7>` at the start of a line as its priority (sd-daemon(3)), and sends the highest to
all terminals; `logger --prio-prefix` accepts up to three digits.
"""

from __future__ import annotations

import re

#: Older journals skip leading blanks.
_PRIORITY = re.compile(r"^([^\S\n]*)<(?=[0-9]{1,3}>)", re.MULTILINE)


def without_priorities(text: str) -> str:
    r"""The text with priorities at the start of lines escaped: `<0>` becomes `\x3c0>`."""
    return _PRIORITY.sub(r"\1\\x3c", text) if "<" in text else text
