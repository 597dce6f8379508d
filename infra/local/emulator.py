"""Runs arm64 programs on this machine: qemu-user and an arm64 C library, from the system or unpacked below a folder."""

import os
import shutil
import subprocess
from pathlib import Path

from tools import Failed, run

# Debian's packages; Ubuntu has the same.
PACKAGES = ("qemu-user-static", "libc6-arm64-cross")
LIBRARIES = Path("usr/aarch64-linux-gnu")
PROGRAMS = ("qemu-aarch64", "qemu-aarch64-static")


def emulator(target):
    """The command that an arm64 program stands behind. Nothing is installed: packages are unpacked into `target`."""
    for root in (Path("/"), target / "infra-emulator"):
        found = _found(root)
        if found:
            return found
    _unpack(target / "infra-emulator")
    found = _found(target / "infra-emulator")
    if not found:
        raise Failed(f"{target / 'infra-emulator'} has no {PROGRAMS[1]} or no {LIBRARIES} after unpacking {' and '.join(PACKAGES)}; remove it and try again")
    return found


def _found(root):
    programs = [root / "usr" / "bin" / name for name in PROGRAMS]
    program = next((str(one) for one in programs if os.access(one, os.X_OK)), None) or (shutil.which(PROGRAMS[0]) if root == Path("/") else None)
    libraries = root / LIBRARIES
    return [program, "-L", str(libraries)] if program and (libraries / "lib" / "libc.so.6").exists() else None


def _unpack(folder):
    """Needs no root. Lists of packages may be missing on a fresh machine; only root can get them."""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise Failed(f"no arm64 emulator: install qemu-user and an arm64 C library below /{LIBRARIES} (Debian: {' '.join(PACKAGES)})")
    print(f"unpacking {' and '.join(PACKAGES)} into {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    download = ["apt-get", "-qq", "download", *PACKAGES]
    if subprocess.run(download, cwd=folder, capture_output=True, check=False).returncode != 0:
        if os.getuid() != 0:
            raise Failed(f"apt-get download {' '.join(PACKAGES)} failed; run apt-get update as root, or apt-get install {' '.join(PACKAGES)}")
        run(["apt-get", "-qq", "update"])
        run(download, cwd=folder)
    for package in folder.glob("*.deb"):
        run(["dpkg", "-x", package, folder])
        package.unlink()
