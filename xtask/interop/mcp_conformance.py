"""The MCP project's own conformance suite against the gateway, every server scenario accounted for.

The suite cannot send a token (modelcontextprotocol/conformance issue 453), so it is pointed at a small proxy here that
adds the header and changes nothing else. Two releases are run: the stable one for the revisions that begin with
`initialize`, and the preview that knows the stateless revision 2026-07-28.

Environment: FLYWHEEL_GATEWAY_URL, the FLYWHEEL_OAUTH_* variables, what boto3 reads, and NODE_PACKAGES, the folder
whose node_modules holds @modelcontextprotocol/conformance and its preview as conformance-next. Needs `node` 22 or later.
Prints `ok  <what>` and `n/a <what>: <why>`; ends with 1 at the first check that fails.
"""

import concurrent.futures
import contextlib
import glob
import http.client
import http.server
import json
import os
import re
import subprocess
import tempfile
import textwrap
import threading
import urllib.parse

from checks import Failed, access_token, check, equal, required, run

STABLE = "@modelcontextprotocol/conformance"
PREVIEW = "conformance-next"
# Scenario: what it proves here. Run with each of the release's revisions that has it.
RUNS = {
    STABLE: {
        "revisions": ["2025-06-18", "2025-11-25"],
        "scenarios": ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"],
    },
    PREVIEW: {
        "revisions": ["2026-07-28"],
        "scenarios": [
            "server-stateless",
            "tools-list",
            "caching",
            "http-header-validation",
            "dns-rebinding-protection",
        ],
    },
}
FIXTURE = "calls a tool of the suite's own test server; a gateway's tools are its targets', under their prefix"
CALLS_BACK = "asks the client back in the middle of a call, which a Lambda target cannot"
NO_SESSION = "needs a session; the gateway keeps none and says so by giving out no session id"
NO_STREAM = "needs event streams; the gateway answers in JSON"
NO_CAPABILITY = "needs a capability that the gateway does not declare: "
EXTENSION = "belongs to an extension of the protocol that the gateway does not declare"
# Scenario, or the beginning of several: why it says nothing about a gateway with Lambda targets.
NOT_APPLICABLE = {
    "tools-call-": FIXTURE,
    "json-schema-2020-12": "needs a tool whose schema uses $defs; a Lambda target's schema has no such words",
    "elicitation-": NO_CAPABILITY + "elicitation",
    "input-required-result-": CALLS_BACK,
    "logging-set-level": NO_CAPABILITY + "logging",
    "completion-complete": NO_CAPABILITY + "completions",
    "resources-": NO_CAPABILITY + "resources",
    "sep-2164-resource-not-found": NO_CAPABILITY + "resources",
    "prompts-": NO_CAPABILITY + "prompts",
    "server-sse-": NO_STREAM,
    "server-session-lifecycle": NO_SESSION,
    "http-custom-header-server-validation": "needs a tool with x-mcp-header in its schema; a target's has no such word",
    "sep-2640-": EXTENSION,
    "tasks-": EXTENSION,
}
# The same for single checks of scenarios that apply.
CHECKS_NOT_APPLICABLE = {
    "server-stateless": {
        "sep-2575-server-rejects-undeclared-capability": FIXTURE,
        "sep-2575-missing-capability-http-400": FIXTURE,
        "sep-2575-http-server-no-independent-requests-on-stream": FIXTURE,
        "sep-2575-server-no-log-without-loglevel": FIXTURE,
    },
    "caching": {
        "sep-2549-prompts-": NO_CAPABILITY + "prompts",
        "sep-2549-resources-": NO_CAPABILITY + "resources",
    },
}
LIMIT_SECONDS = 120
PARALLEL = 2
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"}


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes everything on, with the token."""

    protocol_version = "HTTP/1.1"
    token = None
    upstream = None

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port, timeout=LIMIT_SECONDS)
        connection.putrequest(self.command, self.upstream.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP_BY_HOP:
                connection.putheader(name, value)
        connection.putheader("Authorization", f"Bearer {self.token}")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_POST = do_DELETE = forward

    def handle(self):
        with contextlib.suppress(ConnectionError):  # the suite hangs up when it has seen enough
            super().handle()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def proxied():
    """URL of the gateway's endpoint behind the proxy."""
    Proxy.token = access_token()
    Proxy.upstream = urllib.parse.urlsplit(required("FLYWHEEL_GATEWAY_URL"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()


def suite(package, *arguments):
    script = os.path.join(required("NODE_PACKAGES"), "node_modules", package, "dist/index.js")
    return subprocess.run(
        ["node", script, *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        stdin=subprocess.DEVNULL,
    )


def scenarios(package):
    """Server scenarios of a release, each with the revisions it is for."""
    listed = suite(package, "list", "--server").stdout
    rows = re.findall(r"^\s+- (\S+) \[(.*)\]$", listed, re.MULTILINE)
    if not rows:
        raise Failed(f"{package} lists its scenarios: {listed[:500]}")
    return {name: revisions.split(",") for name, revisions in rows}


def reason(table, name):
    """Why something is not applicable: by its name, or by how its name begins."""
    found = [why for key, why in table.items() if name == key or (key.endswith("-") and name.startswith(key))]
    return found[0] if found else None


def outcome(package, scenario, revision, url):
    """The checks of one scenario."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--url", url, "--scenario", scenario, "--spec-version", revision, "-o", folder]
        done = suite(package, "server", *arguments)
        files = glob.glob(os.path.join(folder, "**", "checks.json"), recursive=True)
        if len(files) != 1:
            raise Failed(f"{scenario} ran: {(done.stdout + done.stderr)[-2000:]}")
        with open(files[0], encoding="utf-8") as file:
            return json.load(file)


def judge(scenario, revision, checks):
    what = f"{revision} {scenario}"
    passed = []
    for one in checks:
        name = f"{one['id']} ({one['name']})"
        why = reason(CHECKS_NOT_APPLICABLE.get(scenario, {}), one["id"])
        if one["status"] == "SUCCESS":
            if why is not None:
                raise Failed(f"{what}: {name} passes, though the script says that it cannot")
            passed.append(one["name"])
        elif why is not None:
            print(f"n/a {what}: {name}: {why}", flush=True)
        elif one["status"] in ("FAILURE", "WARNING"):
            raise Failed(f"{what}: {name}: {one.get('errorMessage')}")
        else:
            details = one.get("details") or {}
            said = details.get("note") or details.get("message") or one["description"]
            print(f"    {what}: {name}: {one['status'].lower()}: {said}", flush=True)
    check(f"{what}: {len(passed)} checks: {', '.join(passed)}", passed)


def explain(package, names):
    """Every scenario that is not run, by name, under the reason."""
    by_reason = {}
    for name in sorted(names):
        why = reason(NOT_APPLICABLE, name)
        if why is None:
            raise Failed(f"{package}: scenario {name} is neither run nor explained")
        by_reason.setdefault(why, []).append(name)
    for why, names in by_reason.items():
        print(f"n/a {why}:", flush=True)
        lines = textwrap.wrap(", ".join(names), 104, break_on_hyphens=False)
        print(textwrap.indent("\n".join(lines), " " * 6), flush=True)


def main():
    with proxied() as url, concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for package, plan in RUNS.items():
            known = scenarios(package)
            revisions = plan["revisions"]
            relevant = {name for name, listed in known.items() if set(listed) & {*revisions, "extension"}}
            unknown = [name for name in plan["scenarios"] if name not in relevant]
            equal(f"{package}: the scenarios to run are there", unknown, [])
            explain(package, relevant - set(plan["scenarios"]))
            todo = [(name, r) for name in plan["scenarios"] for r in revisions if r in known[name]]
            results = pool.map(lambda one: outcome(package, *one, url), todo)
            for (name, revision), checks in zip(todo, results):
                judge(name, revision, checks)


if __name__ == "__main__":
    run(main, __file__)
