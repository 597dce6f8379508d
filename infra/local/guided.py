"""Answers `sam deploy --guided` as a person does: at a terminal, one question after the other."""

import os
import pty
import re
import select
import subprocess
import time

import yaml

from tools import DEADLINE_S, Failed, stop

# What a terminal shows and a person does not read.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m|\r")
# A question is the last line, and waits behind its colon; its default stands before it.
_QUESTION = re.compile(r"^\s*(.+?)(?: \[([^\n]*)\])?: ?$")
# SAM CLI asks these besides the parameters; everything else has to be a parameter, or nobody knows what to answer.
_ITS_OWN = {
    "Stack Name", "AWS Region", "Confirm changes before deploy", "Allow SAM CLI IAM role creation", "Disable rollback",
    "Save arguments to configuration file", "SAM configuration file", "SAM configuration environment",
}
_CHANGESET = "Deploy this changeset?"


def answer(command, env, cwd, parameters):
    """Runs the command, gives each parameter's value where it is asked for and takes the defaults otherwise.

    The questions with their defaults, in order; fails if the command does, or if a given parameter was not asked for.
    """
    here, there = pty.openpty()
    process = subprocess.Popen([str(part) for part in command], env={**env, "COLUMNS": "400"}, cwd=cwd, stdin=there, stdout=there, stderr=there, close_fds=True)
    os.close(there)
    text, asked = "", []
    until = time.monotonic() + DEADLINE_S
    try:
        while True:
            if time.monotonic() > until:
                raise Failed(f"{DEADLINE_S} s without a word of {' '.join(map(str, command[:3]))}; last:\n{text[-3000:]}")
            # A question is whole when nothing comes behind it for a moment.
            if select.select([here], [], [], 0.1)[0]:
                try:
                    more = os.read(here, 65_536)
                except OSError:  # what a terminal says whose last program has ended
                    break
                if not more:
                    break
                text += _COLOURS.sub("", more.decode(errors="replace"))
                until = time.monotonic() + DEADLINE_S
                continue
            question = _QUESTION.match(text.rsplit("\n", 1)[-1])
            if question:
                asked.append((question.group(1), question.group(2) or ""))
                said = _said(*asked[-1], parameters)
                text += "\n"
                os.write(here, f"{said}\n".encode())
    finally:
        os.close(here)
        if process.poll() is None:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                stop(process)
    if process.returncode != 0:
        raise Failed(f"{' '.join(map(str, command[:3]))} … ended with {process.returncode}:\n{text[-6000:]}")
    missed = set(parameters) - {question.removeprefix("Parameter ") for question, _ in asked}
    if missed:
        raise Failed(f"nobody asked for {sorted(missed)}; asked was {asked}")
    return asked


def _said(question, default, parameters):
    """What a person says; an empty answer takes the default."""
    if question.startswith("Parameter "):
        return parameters.get(question.removeprefix("Parameter "), "")
    if question.startswith(_CHANGESET):
        return "y"
    if question not in _ITS_OWN:
        raise Failed(f"sam deploy --guided asks \"{question} [{default}]\", and nobody knows what to say")
    return ""


def parameters(template):
    """A template's parameters with their defaults as text, in order: what there is to ask."""
    section = re.search(r"^Parameters:\n(?:(?: .*)?\n)+", template, re.MULTILINE).group()
    return [(name, str(one.get("Default", ""))) for name, one in yaml.safe_load(section)["Parameters"].items()]
