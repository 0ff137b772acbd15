"""One Lambda execution environment on this machine, for a function in any language.

`Environment` is the function's process with its Runtime API, started the way Lambda starts it and called the way an
AgentCore gateway calls it: arguments as the event, the tool's name in the client context. `Neighbours` is what else a
function talks to, on one port: the one call of Secrets Manager that is needed, and SAP as a player of recordings.

Used by the benchmark and by the scripts beside this one. By hand:

    python3 xtask/interop/lambda_runtime_api.py --function target/debug/sap-lambda get_complete_po_data po_number=4500000520
"""

import argparse
import http.server
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDED = ROOT / "sap-lambda/fixtures/odata"
# Which recording answers for which entity set.
SETS = {
    "C_PurchaseOrderFs": "header_4500000520.json",
    "I_PurchaseOrder": "header_4500000520.json",
    "I_PurchaseOrderItem": "items_4500000520.json",
}
USER, PASSWORD = "DEMO", "not-a-secret"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:flywheel-sap"
TIME_LIMIT_SECONDS = 30


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # More than enough for connections that arrive while a thread starts.
    request_queue_size = 64

    def __init__(self, handler, tls=None):
        super().__init__(("127.0.0.1", 0), handler)
        if tls is not None:
            # The handshake happens in the connection's own thread, not in the one that accepts.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.authority = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def handle_error(self, request, client_address):
        """A peer that was killed is no news."""

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet an answer, and at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def log_message(self, *_):
        """Quiet."""


class Neighbours:
    """Secrets Manager and SAP on 127.0.0.1; with an `ssl.SSLContext` over TLS. Closed at the end of a `with` block."""

    def __init__(self, tls=None):
        recorded = {name: (RECORDED / file).read_bytes() for name, file in SETS.items()}

        class Handler(_Handler):
            def do_GET(self):
                entity_set = self.path.partition("?")[0].rpartition("/")[2]
                logged_on = self.headers.get("Authorization", "").startswith("Basic ")
                if entity_set in recorded and logged_on:
                    self.answer(200, recorded[entity_set])
                else:
                    self.answer(404 if logged_on else 401, b"{}")

            def do_POST(self):
                body = self.body()
                if self.headers.get("X-Amz-Target") != "secretsmanager.GetSecretValue":
                    return self.answer(404, b"{}")
                name = json.loads(body)["SecretId"]
                secret = json.dumps({"username": USER, "password": PASSWORD})
                arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}"
                answer = {"ARN": arn, "Name": name, "VersionId": "1", "SecretString": secret}
                return self.answer(200, json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.1"})

        self._server = _Server(Handler, tls)
        self.url = f"{'http' if tls is None else 'https'}://{self._server.authority}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.close()


class Environment:
    """A function's process and its Runtime API. `secrets_url` and `sap_base_url` say where its neighbours are."""

    def __init__(self, command, secrets_url, sap_base_url, variables=None, target="sap", log=None):
        self.target = target
        # When the function asked for its first invocation, by `time.monotonic_ns`.
        self.first_next_ns = None
        self._asked = threading.Event()
        self._work = queue.Queue()
        self._answers = queue.Queue()
        self._server = _Server(self._handler())
        environment = {
            "AWS_LAMBDA_RUNTIME_API": self._server.authority,
            "AWS_LAMBDA_FUNCTION_NAME": "flywheel-sap",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_SESSION_TOKEN": "example",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets_url,
            "SAP_BASE_URL": sap_base_url,
            "SAP_SECRET_ID": "flywheel/sap",
            "SAP_CLIENT": "100",
            "GATEWAY_TARGET": target,
            "PATH": os.environ.get("PATH", ""),
            **(variables or {}),
        }
        self.started_ns = time.monotonic_ns()
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log or subprocess.DEVNULL
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _handler(self):
        environment = self

        class Handler(_Handler):
            def do_GET(self):
                now = time.monotonic_ns()
                if not self.path.endswith("/runtime/invocation/next"):
                    return self.answer(404, b"{}")
                if environment.first_next_ns is None:
                    environment.first_next_ns = now
                    environment._asked.set()
                work = environment._work.get()
                if work is None:
                    self.close_connection = True
                    return None
                request_id, payload, client_context = work
                return self.answer(200, payload, {
                    "Lambda-Runtime-Aws-Request-Id": request_id,
                    "Lambda-Runtime-Deadline-Ms": str(int((time.time() + TIME_LIMIT_SECONDS) * 1000)),
                    "Lambda-Runtime-Invoked-Function-Arn": ARN,
                    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
                    "Lambda-Runtime-Client-Context": client_context,
                })

            def do_POST(self):
                body = self.body()
                environment._answers.put((self.path.rpartition("/runtime/")[2], body))
                self.answer(202, b'{"status":"OK"}')

        return Handler

    def wait_until_ready(self):
        """Until the function asks for its first invocation."""
        deadline = time.monotonic() + TIME_LIMIT_SECONDS
        while not self._asked.wait(0.05):
            if self.process.poll() is not None:
                raise RuntimeError(f"the function ended with {self.process.returncode} before its first invocation")
            if time.monotonic() > deadline:
                raise RuntimeError("the function does not ask for an invocation")

    def call(self, tool, arguments):
        """What the function answers; a function error is raised."""
        custom = {"bedrockAgentCoreToolName": f"{self.target}___{tool}", "bedrockAgentCoreMessageVersion": "1.0"}
        return self.invoke(json.dumps(arguments).encode(), json.dumps({"custom": custom}))

    def invoke(self, payload, client_context):
        """One invocation with any payload and any text as client context."""
        self._work.put((str(uuid.uuid4()), payload, client_context))
        try:
            path, body = self._answers.get(timeout=TIME_LIMIT_SECONDS)
        except queue.Empty:
            raise RuntimeError("the function does not answer") from None
        if not path.endswith("/response"):
            raise RuntimeError(f"the function failed: {body.decode(errors='replace')[:1000]}")
        return json.loads(body)

    def stop(self):
        """Kills the process, as Lambda does in the end."""
        self._work.put(None)
        self.process.kill()
        self.process.wait()
        self._server.close()


def _main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", required=True, help="path of the executable, such as an unpacked `bootstrap`")
    parser.add_argument("--sap-base-url", help="a SAP to use in place of the recorded answers")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="one more variable")
    parser.add_argument("tool")
    parser.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="a value is JSON, or else a text")
    options = parser.parse_args()

    def value(text):
        # A purchase-order number is a text, though JSON would read it as a number.
        try:
            return text if text.isdigit() else json.loads(text)
        except ValueError:
            return text

    arguments = {name: value(text) for name, _, text in (pair.partition("=") for pair in options.arguments)}
    variables = dict(pair.split("=", 1) for pair in options.env)
    command = [str(pathlib.Path(options.function).resolve())]
    with Neighbours() as neighbours:
        sap = options.sap_base_url or f"{neighbours.url}/sap/opu/odata/sap"
        with Environment(command, neighbours.url, sap, variables, log=sys.stderr) as environment:
            environment.wait_until_ready()
            answer = environment.call(options.tool, arguments)
            print(json.dumps(answer, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    _main()
