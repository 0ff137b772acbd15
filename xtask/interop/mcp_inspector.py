"""The MCP Inspector's command line lists and calls the gateway's tools with a bearer token.

Environment: FLYWHEEL_GATEWAY_URL, the FLYWHEEL_OAUTH_* variables, what boto3 reads, and NODE_PACKAGES, the folder
whose node_modules holds @modelcontextprotocol/inspector. Needs `node` 22 or later.
Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import json
import os
import subprocess

from checks import access_token, check, equal, required, run

PACKAGE = "@modelcontextprotocol/inspector"
TOOL = "sap___get_complete_po_data"
LIMIT_SECONDS = 60


def inspect(token, *arguments, era="legacy"):
    """Exit code, and standard output as JSON where it is some."""
    launcher = os.path.join(required("NODE_PACKAGES"), "node_modules", PACKAGE, "clients/launcher/build/index.js")
    command = ["node", launcher, "--cli", "--transport", "http"]
    command += ["--server-url", required("FLYWHEEL_GATEWAY_URL"), "--protocol-era", era, "--format", "json"]
    # The token is short-lived and this machine's own: the Inspector takes headers as arguments only.
    command += ["--header", f"Authorization: Bearer {token}"] if token else []
    done = subprocess.run(
        command + list(arguments), capture_output=True, text=True, timeout=LIMIT_SECONDS, stdin=subprocess.DEVNULL
    )
    try:
        return done.returncode, json.loads(done.stdout)
    except json.JSONDecodeError:
        return done.returncode, done.stdout + done.stderr


def main():
    token = access_token()
    for era in ("legacy", "modern"):
        code, answer = inspect(token, "--method", "tools/list", era=era)
        equal(f"{era}: tools/list ends well", code, 0)
        answer = answer.get("result", answer)
        names = [tool["name"] for tool in answer["tools"]]
        check(f"{era}: it lists {len(names)} tools", TOOL in names, names)

        call = ("--method", "tools/call", "--tool-name", TOOL, "--tool-arg", "po_number=4500000520")
        code, answer = inspect(token, *call, era=era)
        equal(f"{era}: tools/call ends well", code, 0)
        answer = answer.get("result", answer)
        order = json.loads(answer["content"][0]["text"])
        total = order["summary"]["total_net_amount"], order["summary"]["currency"]
        equal(f"{era}: it answers with the order's total", total, ("209236.00", "USD"))
    code, answer = inspect(None, "--method", "tools/list")
    check("without a token it is refused", code != 0, answer)


if __name__ == "__main__":
    run(main, __file__)
