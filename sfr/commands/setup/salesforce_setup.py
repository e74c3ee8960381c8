"""The steps in Salesforce's Setup: the one source of what `sfr init` prints and of docs/salesforce-setup.md.

`python -m sfr.commands.setup.salesforce_setup > docs/salesforce-setup.md` writes the document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfr.salesforce.auth.web_log_in import DEFAULT_PORT, callback_url

#: The callback URL of apps that no browser comes back from.
NO_CALLBACK = "https://login.salesforce.com/services/oauth2/success"
_APP = ("jwt", "client_credentials", "refresh_token")


@dataclass(frozen=True, slots=True)
class Values:
    """What the steps name: for `sfr init` the set-up's own values, for the document examples."""

    domain: str = "https://acme.my.salesforce.com"
    certificate: str = "conf/prod.crt"
    callback: str = callback_url(DEFAULT_PORT)
    token_file: str = "conf/prod.token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the steps; `{name}` in its text stands for a field of `Values`."""

    title: str
    text: str
    #: Log-in methods that it is for; empty for the document only.
    methods: tuple[str, ...]


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "The user",
        """\
Give SFR a user of its own: an *integration user*. A person's user works until that person changes the password or leaves.

1. Setup → Users → New User. Choose a licence and profile that include reports, with as few permissions as possible.
2. Set its locale and time zone, and never change them: the locale determines how dates and numbers are written in the files, the time zone what "today" and "yesterday" are. English (United States) and the time zone of your business are a good choice.
3. Setup → Permission Sets → New, "SFR". Under System Permissions, tick `API Enabled`, `Run Reports` and `Export Reports`. Do not tick `API Only User`, unless you use `route: analytics`: it blocks the classic export. Under Object Settings, give read access to the objects in the reports.
4. Assign the permission set to the user: Manage Assignments → Add Assignment.
5. Share the folders: Reports → All Folders → the folder's menu → Share → with the user, *View*. A report in a folder that is not shared ends as `forbidden` or `not_found`.
""",
        _APP,
    ),
    Chapter(
        "The app",
        """\
1. Setup → External Client App Manager → New External Client App. (In orgs that still use them, App Manager → New Connected App has the same fields.)
2. Name `SFR`, your e-mail address, Distribution State *Local*. Under API (Enable OAuth Settings), tick *Enable OAuth*.
3. Callback URL: `{callback}`
4. OAuth scopes: *Manage user data via APIs (api)*; *Manage user data via Web browsers (web)*, which the classic export needs; *Perform requests at any time (refresh_token, offline_access)*, except for `client_credentials`.
""",
        _APP,
    ),
    Chapter(
        "The app for `jwt`",
        """\
1. Under Flow Enablement, tick *Enable JWT Bearer Flow* (in a Connected App: *Use digital signatures*), and upload the certificate `{certificate}`. The private key beside it stays on this machine. Create.
2. Policies → Edit → OAuth Policies: *Permitted Users* = *Admin approved users are pre-authorized*. Save.
3. Policies → Edit → App Policies: add the permission set "SFR". Save.
4. Settings → OAuth Settings → *Consumer Key and Secret*: copy the consumer key. SFR needs no secret.
5. A new app can take ten minutes until it works. Note the day on which the certificate ends; `sfr doctor` warns a month before.
""",
        ("jwt",),
    ),
    Chapter(
        "The app for `client_credentials`",
        """\
1. Under Flow Enablement, tick *Enable Client Credentials Flow*. Create.
2. Policies → Edit → OAuth Policies: tick *Enable Client Credentials Flow*, and set *Run As* to the integration user. Save.
3. Settings → OAuth Settings → *Consumer Key and Secret*: copy both.
4. A new app can take ten minutes until it works.
""",
        ("client_credentials",),
    ),
    Chapter(
        "The app for `refresh_token`",
        """\
1. Under Flow Enablement, tick *Enable Authorization Code and Credentials Flow*. Under Security, tick *Require Proof Key for Code Exchange (PKCE)*: SFR always uses it. Create.
2. Policies → Edit → OAuth Policies: *Refresh Token Policy* = *Refresh token is valid until revoked*. Save.
3. Settings → OAuth Settings → *Consumer Key and Secret*: copy the consumer key, and the secret if the app requires it for the web server flow.
4. A new app can take ten minutes until it works. Then `sfr login` opens the org's log-in page: log in there as the integration user. The token is stored in `{token_file}`; SFR writes it back when Salesforce replaces it.
""",
        ("refresh_token",),
    ),
    Chapter(
        "Without an app: `sid`",
        """\
Log in with a browser as the user, and copy the value of the cookie `sid` of {domain} (in the browser's developer tools: Application or Storage → Cookies). It expires after some hours without use. For SSO, let `sid: {{command: [...]}}` run a program that prints one.
""",
        ("sid",),
    ),
    Chapter(
        "Without an app: `sf_cli`",
        """\
Log in once with the Salesforce CLI on this machine: `sf org login web --instance-url {domain} --alias my-org`. SFR gets the session from `sf` at each run.
""",
        ("sf_cli",),
    ),
    Chapter(
        "Without an app: `soap`",
        """\
Legacy, ends with Summer '27. Reset the user's security token (Settings → Reset My Security Token), or add the server's address to the trusted IP ranges and omit the token.
""",
        (),
    ),
)

_INTRODUCTION = """\
# Setting up Salesforce

`sfr init` prints the chapters that your log-in method needs, with your own values filled in, and waits until the log-in works.
You need somebody with access to Setup. Names of pages differ slightly between releases. Which permissions and scopes each route
needs: [routes.md](routes.md). Below, the values are examples.
"""


def steps(method: str, values: Values) -> str:
    """The chapters for a log-in method as text for a terminal."""
    chapters = [chapter for chapter in CHAPTERS if method in chapter.methods]
    return "\n".join(f"{_plain(chapter.title)}\n{_plain(_filled(chapter, values))}" for chapter in chapters)


def document() -> str:
    """The contents of docs/salesforce-setup.md."""
    parts = [f"## {chapter.title}\n\n{_filled(chapter, Values())}" for chapter in CHAPTERS]
    return "\n".join([_INTRODUCTION, *parts])


def _filled(chapter: Chapter, values: Values) -> str:
    return chapter.text.format(
        domain=values.domain,
        certificate=values.certificate,
        callback=values.callback,
        token_file=values.token_file,
    )


def _plain(text: str) -> str:
    """Without the marks of Markdown: `*New User*` → New User."""
    return re.sub(r"\*([^*\n]+)\*", r"\1", text).replace("`", "")


if __name__ == "__main__":
    print(document(), end="")
