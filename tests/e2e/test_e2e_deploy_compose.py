"""The compose file, the Dockerfile and the bus's permissions keep the deployment's rules."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from contango_common.edge.secretfile import read_secret
from contango_common.edge.settings import load_settings
from contango_research.house import MODULES, fold_of
from contango_research.house import SERVICES as KNOWN
from support import deploy

CONFIG = deploy.compose({"CONTANGO_SECRETS_GID": "4711"})
PARTS = CONFIG["services"]
# The conductor hands out turns in lock-step replays; a deployment runs freely.
SERVICES = tuple(service for service in KNOWN if service != "conductor")
THIRD_PARTY = {"timescaledb", "prometheus", "grafana"}
OWN_LOG = {"market-data": {"log.md", "log.reference", "log.control.research"}, "clock": {"log.clock"}}
OWN_LOG |= {"recorder": set(), "gateway": {"log.control.gateway"}, "advisor": {"log.advice"}}
OWN_LOG |= {service: {f"log.{fold_of(service).NAME}"} for service in MODULES}
QUESTIONS = {
    "$JS.API.STREAM.INFO.LOG",
    "$JS.API.STREAM.MSG.GET.LOG",
    "$JS.API.CONSUMER.CREATE.LOG",
    "$JS.API.CONSUMER.DELETE.LOG.*",
}
BESIDES = {
    "market-data": {"$JS.API.STREAM.CREATE.LOG"},
    "gateway": {"$KV.regimes.>", "$JS.API.STREAM.CREATE.KV_regimes", "$JS.API.STREAM.INFO.KV_regimes"},
}


def test_every_service_of_the_house_is_there_once():
    assert sorted(deploy.own_services(CONFIG)) == sorted(SERVICES)
    assert set(PARTS) == {*SERVICES, *THIRD_PARTY, "nats", "triton"}
    for service in SERVICES:
        assert PARTS[service]["build"]["args"] == {"SERVICE": service}
        assert deploy.image(service).entrypoint == ["/bin/sh", "-c", 'exec contango run "$SERVICE"']


@pytest.mark.parametrize("name", PARTS)
def test_hardened(name):
    part = PARTS[name]
    uid, gid = part["user"].split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert "cap_add" not in part
    assert "privileged" not in part
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part["restart"] == "unless-stopped"
    for limit in ("mem_limit", "memswap_limit", "cpus", "pids_limit"):
        assert part[limit]
    assert part["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    # A tmpfs without a size may take half of the machine's memory.
    assert all("size=" in entry for entry in part["tmpfs"])
    assert any(entry.startswith("/tmp:") for entry in part["tmpfs"])


@pytest.mark.parametrize("name", PARTS)
def test_health_is_checked_and_waited_for(name):
    part = PARTS[name]
    assert name in SERVICES or part["healthcheck"]["test"][0] == "CMD"
    for condition in part.get("depends_on", {}).values():
        assert condition == {"condition": "service_healthy"}
    if name in SERVICES:
        assert "nats" in part["depends_on"]
        assert "readyz" in deploy.image(name).healthcheck[-1]


@pytest.mark.parametrize("name", PARTS)
def test_images_are_pinned_by_tag(name):
    tag = PARTS[name]["image"].rpartition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+[\w.-]*", tag)


def test_base_images_are_pinned_and_no_registry_is_named():
    defaults = [rest for verb, rest in deploy.dockerfile() if verb == "ARG" and "=" in rest]
    assert all(re.fullmatch(r"\w+_IMAGE=[a-z]+:\d+\.\d+[\w.-]*", given) for given in defaults)
    named = [part["image"] for part in PARTS.values()] + [given.partition("=")[2] for given in defaults]
    # A first part with a dot or a port would be a registry's host.
    assert not [name for name in named if "." in name.split("/")[0].split(":")[0]]


def test_networks():
    internal = {name for name, spec in CONFIG["networks"].items() if (spec or {}).get("internal")}
    assert internal == {"bus", "database", "metrics", "models"}
    members = {net: {name for name, part in PARTS.items() if net in part["networks"]} for net in CONFIG["networks"]}
    assert members["bus"] == {*SERVICES, "nats"}
    assert members["database"] == {"timescaledb", "recorder", "grafana"}
    assert members["edge"] == {"gateway", "grafana"}
    assert members["outside"] == {"advisor"}
    assert members["models"] == {"inference", "triton"}
    assert {name: part["profiles"] for name, part in PARTS.items() if "profiles" in part} == {
        "advisor": ["advisor"],
        "triton": ["triton"],
    }
    published = {name: part["ports"] for name, part in PARTS.items() if "ports" in part}
    assert set(published) == members["edge"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_secrets_are_files_and_each_goes_to_who_needs_it():
    for name, part in PARTS.items():
        for key, value in part.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|KEY", key):
                assert re.fullmatch(r"/run/secrets/[\w-]+", value), f"{name}: {key} is no file"
                assert value.rpartition("/")[2] in part["secrets"]
            assert not re.search(r"//[^@/]*:[^@/]*@", str(value)), f"{name}: {key} holds a password"
    for service in SERVICES:
        own = {f"nats_{service}"}
        more = {"recorder": {"postgres_recorder"}, "gateway": {"gateway_token"}, "advisor": {"advisor_key"}}
        own |= more.get(service, set())
        assert set(PARTS[service]["secrets"]) == own
    assert {Path(spec["file"]).parent for spec in CONFIG["secrets"].values()} == {Path("deploy/secrets")}


def test_blocks_are_written_by_those_whose_facts_bring_them_only():
    for name, part in PARTS.items():
        blocks = [entry for entry in part.get("volumes", []) if entry.startswith("blocks:")]
        reads_only = name not in ("market-data", "signals", "inference")
        assert all(entry.endswith(":ro") for entry in blocks) == reads_only, name
    assert all(any(entry.startswith("blocks:") for entry in PARTS[service]["volumes"]) for service in MODULES)
    assert all(entry.endswith(":ro") for entry in PARTS["market-data"]["volumes"] if not entry.startswith("blocks:"))


def test_every_writable_path_of_an_image_is_a_volume_or_a_tmpfs():
    for service in SERVICES:
        writable = {target for target, (_, write) in places(service, Path("/x")).items() if write}
        env = deploy.image(service).env
        assert {env["HOME"], env["NUMBA_CACHE_DIR"], env["CONTANGO_RUN_DIR"]} <= writable


def test_disk_budgets():
    assert "max_file_store: 50GB" in (deploy.DEPLOY / "nats" / "nats-server.conf").read_text()
    assert any(word.startswith("--storage.tsdb.retention.size=") for word in PARTS["prometheus"]["command"])
    assert any(word.startswith("max_wal_size=") for word in PARTS["timescaledb"]["command"])


def test_dockerfile():
    instructions = deploy.dockerfile()
    stages = [rest.split(" AS ") for verb, rest in instructions if verb == "FROM"]
    assert [name for _, name in stages] == ["nats", "build", "service"]
    runs = " ".join(rest for verb, rest in instructions if verb == "RUN")
    assert "--require-hashes" in runs
    assert "--no-deps --no-build-isolation ./libs/quant" in " ".join(runs.split())
    assert not re.search(r"gcc|build-essential|apt-get|apk add", runs)
    members = {str(path.parent.relative_to(deploy.ROOT)) for path in deploy.ROOT.glob("*/*/pyproject.toml")}
    assert members == set(re.findall(r"\./((?:libs|services)/[\w-]+)", runs))
    for service in SERVICES:
        assert deploy.image(service).user == PARTS[service]["user"]


@pytest.mark.parametrize("service", SERVICES)
def test_settings_take_the_environment(service, tmp_path, made_secrets):
    """The program knows every variable and takes every value, with the secrets' own files."""
    here = places(service, tmp_path) | {"/run/secrets": (made_secrets, False)}
    settings = load_settings(environ=deploy.environment(CONFIG, service, here, {}))
    assert settings.nats_user == service
    assert settings.nats_login()["password"] == (made_secrets / f"nats_{service}").read_text()
    assert settings.nats_url == "nats://nats:4222"
    assert (settings.postgres_conninfo() is not None) == (service == "recorder")
    assert (settings.gateway_token is not None) == (service == "gateway")


def test_secrets_are_made_once_private_and_complete(made_secrets):
    assert made_secrets.stat().st_mode & 0o777 == 0o700
    before = {name: (made_secrets / Path(spec["file"]).name) for name, spec in CONFIG["secrets"].items()}
    texts = {name: read_secret(path, name).get_secret_value() for name, path in before.items()}
    assert all(path.stat().st_mode & 0o777 == 0o440 for path in before.values())
    single = {name: text for name, text in texts.items() if name != "nats_passwords"}
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in single.values())
    assert len(set(single.values())) == len(single)
    make_secrets(made_secrets)
    assert {name: path.read_text().rstrip() for name, path in before.items()} == texts
    (made_secrets / "nats_risk").unlink()
    make_secrets(made_secrets)
    again = (made_secrets / "nats_risk").read_text()
    assert again != texts["nats_risk"]
    assert again in before["nats_passwords"].read_text()


def test_bus_users_have_their_rows_of_the_permission_matrix():
    text = (deploy.DEPLOY / "nats" / "nats-server.conf").read_text()
    users = re.findall(
        r"user: ([\w-]+), password: \$(\w+)\s+permissions: \{\s+publish: \{ allow: (\[[^]]*\]) \}\s+"
        r"subscribe: \{ allow: (\[[^]]*\]) \}",
        text,
    )
    assert sorted(name for name, *_ in users) == sorted(SERVICES)
    for name, password, publish, subscribe in users:
        assert set(yaml.safe_load(publish)) == OWN_LOG[name] | QUESTIONS | BESIDES.get(name, set())
        assert yaml.safe_load(subscribe) == [f"_INBOX_{name}.>"]
        assert password == f"PASSWORD_{name.upper().replace('-', '_')}"


def test_prometheus_asks_every_service():
    config = yaml.safe_load((deploy.DEPLOY / "prometheus" / "prometheus.yml").read_text())
    jobs = config["scrape_configs"]
    asked = [target for job in jobs for part in job["static_configs"] for target in part["targets"]]
    optional = [part for job in jobs for part in job.get("dns_sd_configs", [])]
    asked += [f"{name}:{part['port']}" for part in optional for name in part["names"]]
    listening = {}
    for service in SERVICES:
        env = deploy.image(service).env | PARTS[service]["environment"]
        assert env["CONTANGO_HTTP_HOST"] == "0.0.0.0"
        assert env.get("CONTANGO_GATEWAY_PORT", env["CONTANGO_HTTP_PORT"]) == env["CONTANGO_HTTP_PORT"]
        listening[service] = env["CONTANGO_HTTP_PORT"]
    listening["triton"] = "8002"
    assert sorted(asked) == sorted(f"{service}:{port}" for service, port in listening.items())
    assert all("metrics" in PARTS[service]["networks"] for service in (*SERVICES, "prometheus"))


def test_builds_see_neither_secrets_nor_data():
    lines = (deploy.ROOT / ".dockerignore").read_text().split()
    assert lines[lines.index("*") :][:4] == ["*", "!libs", "!services", "!requirements"]
    assert "secrets/" in (deploy.DEPLOY / ".gitignore").read_text()


@pytest.fixture
def made_secrets(tmp_path):
    make_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


def make_secrets(folder):
    subprocess.run([deploy.DEPLOY / "make-secrets", folder], check=True, capture_output=True)


def places(service, folder):
    return deploy.mounts(CONFIG, service, folder, folder / "cache")
