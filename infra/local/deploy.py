"""Deploys the real thing without an account: `sam deploy` and `cdk deploy` into MiniStack.

MiniStack plays CloudFormation, Lambda, EventBridge Scheduler, CloudWatch, IAM and Amazon S3 with the functions' real
x86-64 binaries. Behind them are this project's Kafka broker, MSK control plane and Redshift stand-in
(tests/local-stack). It deploys, looks whether the tables are there, sends events, waits for scheduler ticks, compares
every value with the recording's own tables, draws the deployed dashboard, updates with another pipeline file, deploys
a broken one, and deletes.

    cargo verify deploy                      both ways at the same time, with the binaries that the tests have built
    python3 infra/local/deploy.py sam|cdk    one of them; builds what it needs

What this does not show: IAM (MiniStack permits everything), networks, and mappings, which MiniStack accepts and never
polls: `recording.py` plays the pollers.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tools import FUNCTIONS, ROOT, Failed, environment, node_packages, run, target_folder
from with_cdk import cdk
from with_sam import sam
from world import World

WAYS = {"sam": sam, "cdk": cdk}


def build(target):
    """As the local stack itself builds the functions: with its own package beside them, the dependencies have the
    features with which the tests were built, and are not built again."""
    print("building the functions and the local stack", flush=True)
    packages = [part for name in (*FUNCTIONS, "local-stack") for part in ("--package", name, "--bin", name)]
    run(["cargo", "build", "--release", "--locked", "--target-dir", target, *packages], cwd=ROOT)
    return target / "release"


def one(name, folder, binaries, programs, picture):
    """One way of deploying, in a world of its own; the seconds that it took."""
    began = time.monotonic()
    own = folder / name
    own.mkdir()
    with ExitStack() as stack:
        world = World(name, stack, own, binaries, programs)
        world.picture = picture
        WAYS[name](world)
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[*WAYS, []], help="default: both")
    parser.add_argument("--target", type=Path, help="Cargo's target folder; the pinned Python packages go there too")
    parser.add_argument("--binaries", type=Path, help="take functions and local-stack from this folder instead of building them")
    parser.add_argument("--keep", action="store_true", help="keep logs and files, and say where")
    arguments = parser.parse_args()
    what = arguments.what or list(WAYS)
    target = (arguments.target or target_folder()).resolve()
    with ThreadPoolExecutor() as pool:
        # Each of these waits for a registry most of the time.
        built = arguments.binaries.resolve() if arguments.binaries else None
        jobs = {"deploy": pool.submit(environment, target, "deploy"), "binaries": pool.submit(lambda: built or build(target))}
        if "sam" in what:
            jobs["sam"] = pool.submit(environment, target, "sam")
        if "cdk" in what:
            jobs["node"] = pool.submit(node_packages)
        programs = {name: job.result() for name, job in jobs.items()}
    # boto3 and matplotlib are in MiniStack's environment.
    python = programs["deploy"] / "python"
    if os.environ.get("REDSHIFT_CDC_DEPLOY") is None:
        sys.stdout.flush()
        os.execve(python, [str(python), __file__, *sys.argv[1:]], {**os.environ, "REDSHIFT_CDC_DEPLOY": "1"})
    folder = Path(tempfile.mkdtemp(prefix="redshift-cdc-deploy-"))
    picture = target / "dashboard.png"
    failed = []
    with ThreadPoolExecutor() as pool:
        jobs = {name: pool.submit(one, name, folder, programs["binaries"], programs, picture) for name in what}
        for name, job in jobs.items():
            try:
                print(f"{name}: all passed in {job.result():.0f} s", flush=True)
            except Failed as error:
                print(f"{name} FAILED: {error}", flush=True)
                failed.append(name)
    if failed or arguments.keep:
        print(f"logs and files are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
