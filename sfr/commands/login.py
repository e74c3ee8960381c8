"""`sfr login`: a person logs in with a browser once, and the refresh token is stored for unattended runs.

Prints no token. The code comes to a listener on this machine, or as a pasted address.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sfr.arguments import add_configuration, port
from sfr.commands.setup.questions import read_line
from sfr.config.load import load_config
from sfr.console import print_out
from sfr.environment import current_environment, without_variables
from sfr.errors import ExitCode, LogInError, UsageError
from sfr.logs.log import open_logging
from sfr.redaction import Secret
from sfr.runner import assembly
from sfr.runner.embedded_org import with_embedded_org
from sfr.salesforce.auth.callback_listener import WAIT_S, CallbackListener, listen
from sfr.salesforce.auth.refresh_token import (
    RefreshTokenSettings,
    check_writable,
    keep_token,
    token_lock,
)
from sfr.salesforce.auth.web_log_in import DEFAULT_PORT, METHOD, WebLogIn, exchange
from sfr.salesforce.http.transport import open_transport
from sfr.storage.trusted import make_directories
from sfr.threads import start_thread
from sfr.wording import quoted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from sfr.config.settings import Config, LoadedConfig

TOKEN_KEY = f"salesforce.auth.{METHOD}.token_file"
#: Variables that a browser does not inherit.
SECRET_VARIABLES = frozenset({"SFDC_CLIENT_SECRET", "SFDC_REFRESH_TOKEN", "SFDC_SID", "SFDC_PASSWORD"})
#: How long to wait for a browser to start.
BROWSER_START_S = 10.0
#: Only this user looks into the directory of a token that SFR makes.
TOKEN_DIRECTORY_MODE = 0o700


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_configuration(parser)
    parser.add_argument(
        "--port",
        type=port,
        default=DEFAULT_PORT,
        metavar="N",
        help="port of the callback URL http://localhost:N/callback; default %(default)s",
    )
    parser.add_argument(
        "--no-browser",
        action="store_true",
        help="print the address for a browser anywhere, and read the address where it ended",
    )


def main(arguments: argparse.Namespace) -> int:
    """Log in and store the token; returns the exit code. Raises UsageError and LogInError."""
    loaded = load_config(
        arguments.config,
        environ=current_environment(),
        env_file=arguments.env_file,
        may_be_missing=(TOKEN_KEY,),
    )
    if loaded.config.salesforce.auth_method != METHOD:
        raise UsageError(
            f"{arguments.config}: salesforce.auth: `sfr login` is for `{METHOD}`, but this configuration uses "
            f"`{loaded.config.salesforce.auth_method}`, which needs no log-in by a person."
        )
    with open_logging(loaded.config.logging, loaded.redactor):
        path = log_in(loaded, arguments.port, use_browser=not arguments.no_browser)
    print_out(f"Logged in. The refresh token is stored in {quoted(str(path), 300)}, readable by you only.")
    return ExitCode.SUCCESS


def log_in(loaded: LoadedConfig, port: int, *, use_browser: bool) -> Path:
    """Get the refresh token of the configuration and store it; returns its file.

    Raises UsageError if the port is taken, LogInError, ReportError, and OSError never.
    """
    settings = loaded.config.salesforce.auth
    assert isinstance(settings, RefreshTokenSettings)  # noqa: S101 - checked by the callers
    path = Path(os.path.realpath(settings.token_file))
    _make_directory(path)
    check_writable(path)
    with with_embedded_org(loaded.config) as config:
        web = WebLogIn(config.salesforce.domain, settings.client_id, port)
        loaded.redactor.add(web.state, web.verifier)
        code = _code(web, use_browser=use_browser)
        _store(config, loaded, web, code, path)
    return path


def _make_directory(path: Path) -> None:
    try:
        make_directories(str(path.parent), TOKEN_DIRECTORY_MODE)
    except OSError as error:
        raise LogInError(
            f"The directory of the token file {quoted(str(path), 300)} cannot be made: {error.strerror}."
        ) from error


def _code(web: WebLogIn, *, use_browser: bool) -> Secret:
    print_out(f"The app's callback URLs (Setup) have to include {web.redirect_uri}")
    if not use_browser:
        return _pasted(web)
    with listen(web) as listener:
        return _from_browser(web, listener)


def _from_browser(web: WebLogIn, listener: CallbackListener) -> Secret:
    print_out(f"Log in as the user that SFR shall run as, in the browser that opens, or at:\n{web.address}")
    if not _open_browser(web.address):
        print_out(
            f"No browser can be opened here. Over ssh, connect with `ssh -L {web.port}:localhost:{web.port}` and open "
            "that address at home; or stop with Ctrl-C, and use --no-browser."
        )
    return listener.wait()


def _open_browser(address: str) -> bool:
    """Open the user's browser; False if there is none. One that does not return is not waited for."""
    has_desktop = sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
    if not has_desktop:  # a text browser would take the terminal
        return False
    import webbrowser

    opened: list[bool] = []
    thread = threading.Thread(target=lambda: opened.append(webbrowser.open(address)), daemon=True)
    with _quiet(), without_variables(SECRET_VARIABLES):
        start_thread(thread)
        thread.join(BROWSER_START_S)
    return opened != [False]


def _pasted(web: WebLogIn) -> Secret:
    print_out(
        "Open this address in a browser on any machine, and log in as the user that SFR shall run as:\n"
        f"{web.address}\n"
        "The browser ends at an address that it cannot show. Copy that address and paste it here:"
    )
    try:
        return web.code_of_address(read_line(sys.stdin, WAIT_S))
    except TimeoutError:
        raise LogInError(f"No address was pasted within {WAIT_S:g} s. Run sfr login again.") from None


def _store(config: Config, loaded: LoadedConfig, web: WebLogIn, code: Secret, path: Path) -> None:
    with (
        closing(open_transport(assembly.transport_options(config))) as transport,
        token_lock(path, lambda: transport.is_aborted),
    ):
        context = assembly.log_in_context(config, transport, loaded.redactor)
        _, token = exchange(web, code, config.salesforce.auth, context)
        keep_token(path, token.reveal())


@contextmanager
def _quiet() -> Iterator[None]:
    """Standard error is the null device inside the block: a browser started there writes to it as long as it runs."""
    sys.stderr.flush()
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
