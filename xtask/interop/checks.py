"""What the scripts of this folder share: checks that print, the environment, the gateway's token."""

import base64
import json
import os
import sys
import traceback
import urllib.parse
import urllib.request


class Failed(Exception):
    """A check did not hold."""


def check(what, holds, found=None):
    if not holds:
        raise Failed(what if found is None else f"{what}: found {found!r}")
    print(f"ok  {what}", flush=True)


def equal(what, found, expected):
    check(what, found == expected, f"{found!r} instead of {expected!r}")


def required(name):
    value = os.environ.get(name)
    if not value:
        raise Failed(f"environment variable {name} is not set")
    return value


def client_secret():
    """The OAuth client's secret, bare or in a document as Secrets Manager keeps it."""
    import boto3

    secrets = boto3.client("secretsmanager")
    stored = secrets.get_secret_value(SecretId=required("FLYWHEEL_OAUTH_CLIENT_SECRET_ID"))
    try:
        return json.loads(stored["SecretString"])["client_secret"]
    except json.JSONDecodeError:
        return stored["SecretString"]


def access_token():
    """A client-credentials token, for software that finds its way to none by itself."""
    client_id = urllib.parse.quote(required("FLYWHEEL_OAUTH_CLIENT_ID"), safe="")
    secret = urllib.parse.quote(client_secret(), safe="")
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": required("FLYWHEEL_OAUTH_SCOPE")}
    request = urllib.request.Request(
        required("FLYWHEEL_OAUTH_TOKEN_URL"),
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": f"Basic {basic}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["access_token"]


def run(main, script):
    """Runs a script's `main`; ends with 1 and one line of why when a check or anything else fails."""
    try:
        main()
    except Failed as failure:
        sys.exit(f"failed  {failure}")
    except Exception as error:  # whatever a library raises: where, and what, without its own frames
        while getattr(error, "exceptions", None):
            error = error.exceptions[0]
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
        where = f" in line {frames[-1].lineno}: {frames[-1].line}" if frames else ""
        sys.exit(f"failed  {type(error).__name__}{where}\n{error}")
