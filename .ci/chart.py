"""Compares the chart and the Dockerfile with the executables that they are about.

    chart.py PROGRAMS RENDERED...

PROGRAMS is the folder with the built executables, RENDERED are files of rendered manifests. Every program that a
container runs must have a target in the Dockerfile, every argument and environment variable that it is given must
stand in the program's --help, and every variable there must be set by the chart or be allowed among the settings.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

CHART = Path("helm/jmap-layers")
DOCKERFILE = Path("services/Dockerfile")
# The part of the values that is about a program.
VALUES = {"authorization-server": "authorization", "layer-data-server": "layerData"}
# Without a value where that is a secret.
VARIABLE = re.compile(r"\[env:\s*(JMAP_[A-Z_]+)[=\]]")
FLAG = re.compile(r"--[a-z][a-z-]+")


def main(programs, rendered):
    texts = Help(Path(programs))
    containers = [container for file in rendered for container in containers_of(Path(file))]
    mistakes = set()
    for container in containers:
        mistakes.update(unknown_words(container, texts))
    for program in VALUES:
        mistakes.update(settings_mistakes(program, containers, texts))
    mistakes.update(dockerfile_mistakes({container["name"] for container in containers}))
    for mistake in sorted(mistakes):
        print(mistake)
    print(f"{len(containers)} containers compared with their programs: {len(mistakes)} mistakes")
    return 1 if mistakes or not containers else 0


class Help:
    """What the programs say about themselves."""

    def __init__(self, folder):
        self.folder = folder
        self.known = {}

    def of(self, program, arguments):
        """The help of a program, or of its subcommand if the arguments begin with one."""
        command = [program, *(word for word in arguments[:1] if not word.startswith("-"))]
        key = tuple(command)
        if key not in self.known:
            # Nothing from outside: the help shows the values of variables that are set.
            outside = {name: value for name, value in os.environ.items() if not name.startswith("JMAP_")}
            command[0] = self.folder / program
            asked = subprocess.run([*command, "--help"], capture_output=True, text=True, env=outside)
            self.known[key] = asked.stdout if asked.returncode == 0 else None
        return self.known[key]


def containers_of(file):
    for manifest in yaml.safe_load_all(file.read_text()):
        if manifest and manifest["kind"] in ("Deployment", "Job"):
            yield from manifest["spec"]["template"]["spec"]["containers"]


def unknown_words(container, texts):
    program, arguments = container["name"], container.get("args", [])
    text = texts.of(program, arguments)
    if text is None:
        yield f"{program} does not know: {' '.join([program, *arguments[:1]])} --help"
        return
    for flag in FLAG.findall(" ".join(arguments)):
        if flag not in FLAG.findall(text):
            yield f"{program} {' '.join(arguments[:1])}: no flag {flag}"
    for variable in variables_of(container) - set(VARIABLE.findall(text)):
        yield f"{' '.join([program, *arguments[:1]])}: no variable {variable}"


def variables_of(container):
    return {entry["name"] for entry in container["env"]}


def settings_mistakes(program, containers, texts):
    schema = json.loads((CHART / "values.schema.json").read_text())
    settings = schema["properties"][VALUES[program]]["properties"]["settings"]
    allowed = set(settings["propertyNames"]["enum"])
    serving = [each for each in containers if each["name"] == program and not each.get("args")]
    own = set().union(*(variables_of(container) for container in serving))
    known = set(VARIABLE.findall(texts.of(program, []) or ""))
    for variable in allowed - known:
        yield f"{program}: no variable {variable}, which the settings allow"
    for variable in known - allowed - own:
        yield f"{program}: {variable} is neither set by the chart nor allowed among the settings"


def dockerfile_mistakes(programs):
    text = DOCKERFILE.read_text()
    built = set(re.findall(r"-p ([a-z-]+)", re.search(r"cargo build .*", text).group()))
    for program in programs:
        target = re.search(rf"^FROM \S+ AS {program}\n((?:(?!FROM).*\n?)*)", text, re.MULTILINE)
        if program not in built:
            yield f"{DOCKERFILE}: {program} is not built"
        if target is None:
            yield f"{DOCKERFILE}: no target {program}"
        elif f"/programs/{program} " not in target[1] or f'ENTRYPOINT ["/usr/local/bin/{program}"]' not in target[1]:
            yield f"{DOCKERFILE}: the target {program} does not run {program}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
