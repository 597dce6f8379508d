"""Runs the arm64 packages under qemu-user: each function starts and answers an event.

    infra/package --arch arm64
    python3 infra/local/arm64.py             the packages of infra/dist, or of the folder given

Needs qemu-aarch64 and an arm64 C library (Debian: qemu-user, libc6-arm64-cross). A Lambda runtime API of this script's
own hands out one event and takes the answer. There is no warehouse and no Kafka behind it: change-handler has to
report every record as not processed, refresher and provisioner to refuse a request that is wrong, lag-monitor to say
that it cannot reach Kafka's control plane.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

INFRA = Path(__file__).resolve().parents[1]
FUNCTIONS = INFRA.parent / "functions"
TIMEOUT_S = 120


def kafka_event():
    return json.loads((FUNCTIONS / "change-handler" / "events" / "create_update_delete.json").read_text())


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


def ask(name, package, folder):
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
        ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", str(binary)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    began = time.monotonic()
    try:
        while not server.answered.wait(0.2):
            if process.poll() is not None or time.monotonic() - began > TIMEOUT_S:
                process.kill()
                sys.exit(f"error: {name} did not answer:\n{process.communicate()[0].decode()[-4000:]}")
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
    if shutil.which("qemu-aarch64") is None or not Path("/usr/aarch64-linux-gnu").is_dir():
        sys.exit("error: qemu-aarch64 or /usr/aarch64-linux-gnu is not there; on Debian: apt-get install qemu-user libc6-arm64-cross")
    packages = Path(sys.argv[1]) if len(sys.argv) > 1 else INFRA / "dist"
    for name, (_, right) in EVENTS.items():
        with tempfile.TemporaryDirectory() as folder:
            (kind, body), seconds = ask(name, packages / f"{name}.zip", Path(folder))
        answer = json.loads(body)
        if not right(kind, answer):
            sys.exit(f"error: {name} answered with {kind}: {body.decode()[:2000]}")
        print(f"ok: {name} ({seconds:.1f} s): {kind} {body.decode()[:160]}")


if __name__ == "__main__":
    main()
