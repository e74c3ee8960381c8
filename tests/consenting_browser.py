"""A browser that consents: opens the address that it is given, and submits the form of the page. For BROWSER."""

from __future__ import annotations

import html
import re
import sys
import urllib.error
import urllib.parse
import urllib.request


def consent(address: str) -> str:
    """The text of the page where the browser ends."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=20) as response:
        page = response.read().decode()
    fields = {html.unescape(k): html.unescape(v) for k, v in re.findall(r'name="([^"]*)" value="([^"]*)"', page)}
    action = re.search(r'<form[^>]* action="([^"]*)"', page)
    assert action, page
    body = urllib.parse.urlencode(fields).encode()
    try:
        with opener.open(urllib.parse.urljoin(address, action[1]), body, timeout=20) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()
    except urllib.error.URLError:
        return ""  # a page elsewhere, which nobody needs


if __name__ == "__main__":
    consent(sys.argv[1])
