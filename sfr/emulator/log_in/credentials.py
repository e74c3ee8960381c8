"""The identity of the emulated org and its constant, obviously fake credentials.

They are the same in every emulator, so that examples and configurations can contain them; only the key pair differs.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfr.emulator.catalogue.ids import full_id

ORG_ID = full_id("00D5g0000000EMU")
USER_ID = full_id("0055g0000000EMU")
PROFILE_ID = full_id("00e5g0000000EMU")
COMPANY = "Emulated Company, Inc."
USER_FULL_NAME = "Emma Lator"
MY_DOMAIN = "sfr-emulator.my.salesforce.com"
"""The instance host returned to clients with a Salesforce host in their Host header."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client needs to log in. None of it is valid anywhere else.

    private_key_file: PEM file of the JWT key, or "" until a key has been made.
    """

    username: str = "report.reader@sfr-emulator.example"
    password: str = "emulator-password-not-real"  # noqa: S105 - a constant, and not real
    security_token: str = "EMULATORTOKENNOTREAL"  # noqa: S105 - a constant, and not real
    client_id: str = "SFR.EMULATOR.CLIENT.ID.NOT.REAL"
    client_secret: str = "EMULATOR-CLIENT-SECRET-NOT-REAL"  # noqa: S105 - a constant, and not real
    refresh_token: str = "5Aep.EMULATOR.REFRESH.TOKEN.NOT.REAL"  # noqa: S105 - a constant, and not real
    private_key_file: str = ""
    sid: str = f"{ORG_ID[:15]}!EMULATOR.SESSION.NOT.REAL.0123456789"
