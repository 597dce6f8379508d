"""What every step of a deployment on this machine needs: programs, pinned packages, waiting, comparing."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
FUNCTIONS = ("change-handler", "refresher", "lag-monitor", "provisioner")
DEADLINE_S = 240


class Failed(Exception):
    """A step did not do what it should."""


def run(command, env=None, cwd=None, check=True):
    """Runs a command; its output is shown when it fails."""
    try:
        answer = subprocess.run([str(part) for part in command], env=env, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Failed(f"{command[0]} cannot be started: {error}") from error
    if check and answer.returncode != 0:
        shown = " ".join(str(part) for part in command[:4])
        raise Failed(f"{shown} … ended with {answer.returncode}:\n{answer.stdout[-6000:]}{answer.stderr[-6000:]}")
    return answer


def target_folder():
    """Cargo's target folder."""
    answer = run(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT)
    return Path(json.loads(answer.stdout)["target_directory"])


def environment(target, name):
    """The programs of a virtual environment with pinned packages. SAM CLI and MiniStack need one each."""
    requirements = INFRA / "local" / f"requirements-{name}.txt"
    folder = target / f"infra-{name}"
    installed = folder / "requirements.txt"
    if not (installed.is_file() and installed.read_text() == requirements.read_text()):
        print(f"installing {requirements.relative_to(ROOT)} into {folder}", flush=True)
        run(["python3", "-m", "venv", "--clear", folder])
        run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements])
        shutil.copy(requirements, installed)
    return folder / "bin"


def node_packages():
    """The CDK app's packages, as `cargo verify infra` installs them."""
    app = INFRA / "cdk"
    lock, installed = app / "package-lock.json", app / "node_modules" / ".installed-package-lock.json"
    if not (installed.is_file() and installed.read_bytes() == lock.read_bytes()):
        print("installing infra/cdk/package-lock.json", flush=True)
        run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"], cwd=app)
        shutil.copy(lock, installed)
    return app


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(what, condition, seconds=DEADLINE_S):
    """Waits until a condition gives something; says on a time-out what it was."""
    until = time.monotonic() + seconds
    last = None
    while time.monotonic() < until:
        try:
            found = condition()
            if found:
                return found
        except Failed:
            raise
        except Exception as error:  # the service may not be there yet; the time-out shows the last reason
            last = error
        time.sleep(0.2)
    raise Failed(f"waited {seconds} s for {what}" + (f"; last: {last}" if last else ""))


def stop(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
