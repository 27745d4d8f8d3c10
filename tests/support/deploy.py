"""The deployment read from its own files, and its services as local processes where no container engine is at hand.

Paths inside containers become folders under a test's own, names of hosts become the loopback, ports become free ones;
command, environment, user permissions of the bus, roles of the database and the read-only root are the deployment's.
"""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from contango_common.edge import child
from contango_common.edge.clock import Deadline
from contango_common.edge.nats_host import find_nats_server

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
_METRIC = re.compile(r"\bcontango_\w+")


def compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """docker-compose.yml with its variables filled in; ``${NAME:?…}`` must be given."""

    def value_of(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if name in variables:
            return variables[name]
        assert kind == "-", f"docker-compose.yml needs {name}: {rest}"
        return rest

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(value_of, value)
        if isinstance(value, list):
            return [fill(item) for item in value]
        return {key: fill(item) for key, item in value.items()} if isinstance(value, dict) else value

    loaded: dict[str, Any] = fill(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))
    return loaded


def own_services(config: dict[str, Any]) -> list[str]:
    """The services that run our own program."""
    return [name for name, spec in config["services"].items() if spec.get("build", {}).get("target") == "service"]


@dataclass(frozen=True)
class Image:
    """What the last stage of the Dockerfile says: environment, user, start and health check."""

    env: dict[str, str]
    user: str
    entrypoint: list[str]
    healthcheck: list[str]


@cache
def dockerfile() -> list[tuple[str, str]]:
    """Instructions and their arguments, continuation lines joined, comments dropped."""
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [line.strip().partition(" ") for line in joined.splitlines() if line.strip()]
    return [(verb.upper(), rest.strip()) for verb, _, rest in found]


def image(service: str) -> Image:
    instructions = dockerfile()
    first = max(index for index, (verb, _) in enumerate(instructions) if verb == "FROM")
    last: dict[str, str] = {}
    env: dict[str, str] = {}
    for verb, rest in instructions[first:]:
        last[verb] = rest
        if verb == "ENV":
            env |= dict(pair.split("=", 1) for pair in shlex.split(rest))
    env = {key: value.replace("${SERVICE}", service) for key, value in env.items()}
    health = json.loads(last["HEALTHCHECK"].partition("CMD ")[2])
    return Image(env, last["USER"], json.loads(last["ENTRYPOINT"]), health)


def mounts(config: dict[str, Any], service: str, folder: Path, cache_dir: Path) -> dict[str, tuple[Path, bool]]:
    """Container path → (local path, may be written) of one service."""
    spec = config["services"][service]
    found: dict[str, tuple[Path, bool]] = {}
    for entry in spec.get("volumes", []):
        source, target, *mode = entry.split(":")
        local = folder / "volumes" / source if source in config["volumes"] else (ROOT / source).resolve()
        found[target] = local, "ro" not in mode
    for entry in spec.get("tmpfs", []):
        target = entry.partition(":")[0]
        # Compiled once for all of them: the price of a container's own tmpfs is seconds of compiling in each.
        local = cache_dir if target == "/var/cache/contango" else folder / "tmpfs" / service / target.strip("/")
        found[target] = local, True
    return found


def environment(
    config: dict[str, Any], service: str, places: Mapping[str, tuple[Path, bool]], hosts: Mapping[str, str]
) -> dict[str, str]:
    """The container's whole environment, translated to this machine."""
    names = {target: str(local) for target, (local, _) in places.items()} | {"/opt/contango": sys.prefix}
    names |= dict(hosts) | {"0.0.0.0": "127.0.0.1"}
    # Only what begins a word: "/tmp" must not be found inside a path that was put in.
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(name)}" for name in sorted(names, key=len, reverse=True)))
    env = image(service).env | config["services"][service].get("environment", {})
    env = {key: pattern.sub(lambda match: names[match[0]], str(value)) for key, value in env.items()}
    return env | {key: "0" for key in env if key.endswith("_PORT")}


# Everything read-only but the folders named in $RW, as in the container, which is proved before the start; then all
# capabilities are dropped, and none can be had again.
_READ_ONLY = """
set -e
for folder in $RW; do mount --bind "$folder" "$folder"; done
while read -r _ _ _ _ point _; do
    case " $RW /proc /sys /dev " in *" $point "*) continue;; esac
    case "$point" in /proc/*|/sys/*|/dev/*) continue;; esac
    mount -o remount,bind,ro "$point"
done < /proc/self/mountinfo
if touch "$PROOF" 2>/dev/null; then echo "the file system is not read-only" >&2; exit 97; fi
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
"""


@cache
def unshare() -> tuple[str, ...] | None:
    """How to get the image's user and a mount table of one's own; None when the system forbids it."""
    found = shutil.which("unshare") if shutil.which("setpriv") else None
    uid, gid = image("clock").user.split(":")
    own = (found or "unshare", "--user", f"--map-user={uid}", f"--map-group={gid}", "--mount", "--keep-caps")
    probe = [*own, "sh", "-c", "mount -o remount,bind,ro / && setpriv --ambient-caps=-all true"]
    return own if found and subprocess.run(probe, capture_output=True, check=False).returncode == 0 else None


def command(service: str, env: Mapping[str, str], writable: list[Path]) -> tuple[str, ...]:
    """The image's entry point with this environment and no other; hardened as its container where that can be had."""
    start = ("/usr/bin/env", "-i", *(f"{key}={value}" for key, value in env.items()), *image(service).entrypoint)
    own = unshare()
    if own is None:
        return start
    settings = ("RW=" + " ".join(map(str, writable)), f"PROOF={ROOT / 'proof-of-a-writable-root'}")
    return ("/usr/bin/env", *settings, *own, "/bin/sh", "-c", _READ_ONLY, "read-only", *start)


class Bus:
    """nats-server with the deployment's own configuration: store and addresses are this machine's, users are not."""

    def __init__(self, folder: Path, passwords: Path) -> None:
        self._folder = folder
        folder.mkdir()
        text = (DEPLOY / "nats" / "nats-server.conf").read_text()
        for theirs, ours in {
            '"/data"': f'"{folder / "store"}"',
            '"0.0.0.0:4222"': '"127.0.0.1:-1"',
            '"127.0.0.1:8222"': '"127.0.0.1:-1"',
        }.items():
            assert text.count(theirs) == 1
            text = text.replace(theirs, ours)
        (folder / "nats-server.conf").write_text(text)
        shutil.copyfile(passwords, folder / "passwords.conf")

    def __enter__(self) -> str:
        program = [str(find_nats_server()), "-c", str(self._folder / "nats-server.conf")]
        program += ["--ports_file_dir", str(self._folder)]
        log = self._folder / "nats-server.log"
        self._process = child.spawn(program, log_path=log, death_signal=signal.SIGKILL)
        deadline = Deadline(30.0)
        while not (ports := list(self._folder.glob("*.ports"))):
            assert self._process.poll() is None, log.read_text()
            assert deadline.pause(0.05), log.read_text()
        address: str = json.loads(ports[0].read_text())["nats"][0]
        return address.removeprefix("nats://")

    def __exit__(self, *_: object) -> None:
        child.end(self._process)


@cache
def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboards" / "contango.json").read_text())
    return loaded


def targets(kind: str, key: str) -> list[tuple[str, str]]:
    """(panel's title, query) of every query to the data source of this kind."""
    return [
        (panel["title"], target[key])
        for panel in dashboard()["panels"]
        for target in panel.get("targets", ())
        if target["datasource"]["uid"] == f"contango-{kind}"
    ]


def sql_panels() -> list[tuple[str, str]]:
    return targets("postgres", "rawSql")


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def metrics_in(expression: str) -> set[str]:
    return set(_METRIC.findall(expression))


def metrics_used() -> set[str]:
    """Names of our series in every panel and every rule."""
    expressions = [rule["expr"] for rule in alerts()] + [query for _, query in targets("prometheus", "expr")]
    return set().union(*map(metrics_in, expressions))
