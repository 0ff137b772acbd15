"""Measures two Lambda functions beside each other and prints what was measured as one JSON object.

A round starts each function once, one after the other, so that whatever else the machine does meets both. In a round:
time and CPU until the function asks for its first invocation, time until its first answer, then CPU over a number of
invocations, then the highest memory use. CPU is the process's own clock (all its threads, in nanoseconds); what the
stubs use is in this process.

Run by `cargo xtask bench lambda`.
"""

import argparse
import json
import pathlib
import ssl
import sys
import tempfile
import time
import zipfile

import botocore
import trustme

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
# No bytecode between the sources.
sys.dont_write_bytecode = True
from lambda_runtime_api import PASSWORD, USER, Environment, Neighbours  # noqa: E402

TOOL, ARGUMENTS = "get_complete_po_data", {"po_number": "4500000520"}
WARM_UP = 5


def cpu_ns(pid):
    # The kernel's number of the CPU clock of another process: see clock_getcpuclockid(3).
    return time.clock_gettime_ns((~pid << 3) | 2)


def peak_rss_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc")


def checked(answer):
    """Both must have done the work: the total of the recorded order."""
    text = json.dumps(answer)
    if "209236" not in text:
        raise RuntimeError(f"not the recorded purchase order: {text[:500]}")


def one_round(command, variables, secrets_url, sap_url, invocations):
    with Environment(command, secrets_url, f"{sap_url}/sap/opu/odata/sap", variables) as environment:
        pid = environment.process.pid
        environment.wait_until_ready()
        init_cpu = cpu_ns(pid)
        # Lambda has an invocation waiting; here the time from readiness to the first call is left out.
        called = time.monotonic_ns()
        answer = environment.call(TOOL, ARGUMENTS)
        first_answer = time.monotonic_ns() - called + environment.first_next_ns
        checked(answer)
        sample = {
            "init_ms": (environment.first_next_ns - environment.started_ns) / 1e6,
            "first_answer_ms": (first_answer - environment.started_ns) / 1e6,
            "init_cpu_ms": init_cpu / 1e6,
        }
        for _ in range(WARM_UP):
            environment.call(TOOL, ARGUMENTS)
        before, start = cpu_ns(pid), time.monotonic_ns()
        for _ in range(invocations):
            environment.call(TOOL, ARGUMENTS)
        sample["cpu_ms"] = (cpu_ns(pid) - before) / 1e6 / invocations
        sample["wall_ms"] = (time.monotonic_ns() - start) / 1e6 / invocations
        sample["peak_rss_mb"] = peak_rss_bytes(pid) / 1e6
        return sample


def package(executable, folder):
    """The deployment package, and the `bootstrap` in it as Lambda would unpack it."""
    archive = folder / "function.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        out.writestr(entry, pathlib.Path(executable).read_bytes())
    with zipfile.ZipFile(archive) as unpacked:
        bootstrap = pathlib.Path(unpacked.extract("bootstrap", folder / "function"))
    bootstrap.chmod(0o755)
    return archive.stat().st_size, str(bootstrap)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--cold-starts", type=int, required=True)
    parser.add_argument("--invocations", type=int, required=True)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        json.dump(measured(options, pathlib.Path(folder)), sys.stdout)


def measured(options, folder):
    python = [sys.executable, "-m", "awslambdaric", "predecessor.lambda_handler"]
    # Lambda's own Python starts in the function's folder; bytecode is cached there by the first, uncounted round.
    where = {"PYTHONPATH": str(HERE), "LAMBDA_TASK_ROOT": str(HERE), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    secret = {"BENCH_SECRET": json.dumps({"username": USER, "password": PASSWORD})}
    authority = trustme.CA()
    zip_bytes, bootstrap = package(options.ours, folder)
    one_ca, bundle = folder / "one.pem", folder / "bundle.pem"
    one_ca.write_bytes(authority.cert_pem.bytes())
    public = (pathlib.Path(botocore.__file__).parent / "cacert.pem").read_bytes()
    bundle.write_bytes(public + b"\n" + authority.cert_pem.bytes())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)

    def trust(file):
        return {"SSL_CERT_FILE": str(file), "SAP_CA_FILE": str(file)}

    with Neighbours() as plain, Neighbours(tls) as secure:
        # name, SAP, variables, functions: the last series shows what Python costs before any SDK.
        series = [
            ("http", plain.url, {}, ["ours", "python"]),
            ("tls_one_ca", secure.url, trust(one_ca), ["ours", "python"]),
            ("tls_bundle", secure.url, trust(bundle), ["ours", "python"]),
            ("python_without_sdk", plain.url, secret, ["python"]),
        ]
        functions = {"ours": ([bootstrap], {}), "python": (python, where)}
        samples = {name: {function: [] for function in of} for name, _, _, of in series}
        for round_number in range(options.cold_starts + 1):
            for name, sap_url, variables, of in series:
                for function in of:
                    command, more = functions[function]
                    # The first round warms disk and bytecode caches, and is not counted.
                    invocations = options.invocations if round_number else 1
                    sample = one_round(command, {**variables, **more}, plain.url, sap_url, invocations)
                    if round_number:
                        samples[name][function].append(sample)
            print(f"round {round_number} of {options.cold_starts}", file=sys.stderr)
    return {"python": sys.version.split()[0], "zip_bytes": zip_bytes, "samples": samples}


if __name__ == "__main__":
    main()
