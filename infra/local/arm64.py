"""Runs arm64 packages under qemu-user: each function starts and answers an event.

    cargo verify arm64                       builds the functions for arm64, unoptimised, packages and asks them
    infra/package --arch arm64 && python3 infra/local/arm64.py infra/dist
                                             asks what is deployed

Optimising takes most of a build's time and is not what the architecture decides: which of the C and assembly parts are
compiled, what is linked, whether it starts. A Lambda runtime API of this script's own hands out one event and takes
the answer. There is no warehouse and no Kafka behind it: change-handler has to report every record as not processed,
refresher and provisioner to refuse a request that is wrong, lag-monitor to say that it cannot reach Kafka's control
plane.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import tools
from emulator import emulator
from tools import INFRA, ROOT, Failed

TIMEOUT_S = 120


def kafka_event():
    return json.loads((ROOT / "functions" / "change-handler" / "events" / "create_update_delete.json").read_text())


def all_records_fail(kind, answer):
    """Every record of the event is reported, or the first of each partition and so the rest."""
    return kind == "response" and len(answer["batchItemFailures"]) > 0


# Function -> event, what the answer has to be.
EVENTS = {
    "change-handler": (kafka_event, all_records_fail),
    "refresher": (lambda: {"tabels": []}, lambda kind, answer: kind == "error" and answer["errorType"] == "RedshiftCdc.Misconfigured"),
    "provisioner": (lambda: {"action": "dance"}, lambda kind, answer: kind == "error" and "action is not known" in answer["errorMessage"]),
    "lag-monitor": (lambda: {}, lambda kind, answer: kind == "error" and answer["errorType"].startswith("RedshiftCdc.")),
}


class RuntimeApi(BaseHTTPRequestHandler):
    """`/next` once, then silence; the answer is kept."""

    def do_GET(self):
        server = self.server
        if server.given.is_set():
            server.answered.wait(TIMEOUT_S)
            time.sleep(TIMEOUT_S)
            return
        server.given.set()
        body = json.dumps(server.event).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000001")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 30_000))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:arm64")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answer = (self.path.rsplit("/", 1)[-1], body)
        self.server.answered.set()

    def log_message(self, *_):
        """Says nothing."""


def build(target):
    """Builds and packages the functions as `infra/package` does, without optimising and without debugging information."""
    programs = tools.environment(target, "arm64")
    out = target / "infra-arm64"
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "CARGO_TARGET_DIR": str(target),
                   "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_INCREMENTAL": "0"}
    packages = [part for name in tools.FUNCTIONS for part in ("--package", name, "--bin", name)]
    print("building the functions for arm64", flush=True)
    # A folder of its own, so that nobody deploys these.
    tools.run(["cargo", "lambda", "build", "--locked", "--arm64", "--lambda-dir", out / "binaries", *packages], env=environment, cwd=ROOT)
    tools.run([sys.executable, INFRA / "package", "--arch", "arm64", "--binaries", out / "binaries", "--out", out / "packages"])
    return out / "packages"


def ask(name, package, folder, emulated):
    """Starts one function, and gives the kind and the text of its answer."""
    with zipfile.ZipFile(package) as archive:
        archive.extract("bootstrap", folder)
    binary = folder / "bootstrap"
    binary.chmod(0o755)
    server = ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads = True
    server.event, server.given, server.answered, server.answer = EVENTS[name][0](), threading.Event(), threading.Event(), None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    closed = "http://127.0.0.1:9"
    environment = {
        **os.environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}", "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL_REDSHIFT_DATA": closed,
        "AWS_ENDPOINT_URL_KAFKA": closed, "PIPELINE_FILE": str(pipeline(folder, server.event)), "WAREHOUSE_DATABASE": "dev",
        "WAREHOUSE_WORKGROUP": "local",
    }
    process = subprocess.Popen(
        [*emulated, str(binary)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    began = time.monotonic()
    try:
        while not server.answered.wait(0.2):
            if process.poll() is not None or time.monotonic() - began > TIMEOUT_S:
                process.kill()
                raise Failed(f"{name} did not answer:\n{process.communicate()[0].decode()[-4000:]}")
        return server.answer, time.monotonic() - began
    finally:
        process.kill()
        process.wait()
        server.shutdown()


def pipeline(folder, event):
    """The example pipeline, with the event's topics."""
    text = (INFRA / "pipeline" / "pipeline.yaml").read_text()
    topics = sorted({records[0]["topic"] for records in event.get("records", {}).values()})
    if topics:
        text = text.split("tables:")[0].replace("topic_prefix: salesdb", f"topic_prefix: {topics[0].split('.')[0]}")
        text += "tables:\n" + "".join(f"  - topic: {topic}\n" for topic in topics)
    path = folder / "pipeline.yaml"
    path.write_text(text)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="?", type=Path, help="a folder that infra/package has written; without it the functions are built")
    parser.add_argument("--target", type=Path, help="Cargo's target folder; what is missing here goes there too")
    arguments = parser.parse_args()
    target = (arguments.target or tools.target_folder()).resolve()
    with ThreadPoolExecutor() as pool:  # one downloads, the other compiles
        emulated = pool.submit(emulator, target)
        packages = arguments.packages or build(target)
        emulated = emulated.result()
    for name, (_, right) in EVENTS.items():
        with tempfile.TemporaryDirectory() as folder:
            (kind, body), seconds = ask(name, packages / f"{name}.zip", Path(folder), emulated)
        answer = json.loads(body)
        if not right(kind, answer):
            raise Failed(f"{name} answered with {kind}: {body.decode()[:2000]}")
        print(f"ok: {name} ({seconds:.1f} s): {kind} {body.decode()[:160]}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"error: {error}")
