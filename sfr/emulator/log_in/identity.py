"""The logged-in user: `/services/oauth2/userinfo` and `/id/<org>/<user>`."""

from __future__ import annotations

from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, html_response, json_response
from sfr.emulator.log_in.credentials import ORG_ID, PROFILE_ID, USER_ID
from sfr.emulator.org import Org


def userinfo(org: Org, request: Request) -> Response:
    """`/services/oauth2/userinfo`."""
    session = org.sessions.find(request.bearer or request.form.get("access_token"))
    return json_response(user_facts(org, request)) if session else html_response("Bad_OAuth_Token", 403)


def identity(org: Org, request: Request) -> Response:
    """`/id/<org>/<user>`: the user of the token."""
    token_given = request.bearer or request.query.get("oauth_token") or request.form.get("oauth_token")
    if org.sessions.find(token_given) is None:
        return html_response("Bad_OAuth_Token", 403)
    if request.path.rstrip("/").split("/")[2:] not in ([ORG_ID, USER_ID], [ORG_ID[:15], USER_ID[:15]]):
        return html_response("Bad_Id", 404)
    facts = user_facts(org, request)
    first, _, last = org.settings.user_name.partition(" ")
    return json_response(
        {
            "id": facts["sub"],
            "asserted_user": True,
            "user_id": USER_ID,
            "organization_id": ORG_ID,
            "username": org.credentials.username,
            "nick_name": "emma",
            "display_name": org.settings.user_name,
            "first_name": first,
            "last_name": last,
            "email": org.credentials.username,
            "email_verified": True,
            "active": True,
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "utcOffset": 0,
            "urls": facts["urls"],
            "is_app_installed": True,
        }
    )


def user_facts(org: Org, request: Request) -> dict[str, object]:
    """The response of userinfo."""
    url = org.instance_url(request)
    data = f"{url}/services/data/v{{version}}/"
    return {
        "sub": f"{url}/id/{ORG_ID}/{USER_ID}",
        "user_id": USER_ID,
        "organization_id": ORG_ID,
        "preferred_username": org.credentials.username,
        "nickname": "emma",
        "name": org.settings.user_name,
        "email": org.credentials.username,
        "email_verified": True,
        "active": True,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
        "zoneinfo": "GMT",
        "profile": f"{url}/{USER_ID}",
        "profile_id": PROFILE_ID,
        "is_app_installed": True,
        "urls": {
            "rest": data,
            "query": f"{data}query/",
            "sobjects": f"{data}sobjects/",
            "recent": f"{data}recent/",
            "profile": f"{url}/{USER_ID}",
            "partner": f"{url}/services/Soap/u/{{version}}/{ORG_ID}",
            "enterprise": f"{url}/services/Soap/c/{{version}}/{ORG_ID}",
            "custom_domain": url,
        },
    }
