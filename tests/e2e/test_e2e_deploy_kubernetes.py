"""The Kubernetes files keep the deployment's rules: no root, nothing writable but scratch, nobody asks but who may."""

import re

import pytest
import yaml

from support import deploy

OBJECTS = list(yaml.safe_load_all((deploy.DEPLOY / "k8s" / "triton.yaml").read_text()))
KINDS = {entry["kind"]: entry for entry in OBJECTS}
POD = KINDS["Deployment"]["spec"]["template"]["spec"]


def test_what_is_there():
    assert sorted(KINDS) == ["Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"]
    assert {entry["metadata"]["name"] for entry in OBJECTS} == {"triton"}
    labels = KINDS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        KINDS["Deployment"]["spec"]["selector"]["matchLabels"],
        KINDS["Service"]["spec"]["selector"],
        KINDS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        KINDS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector == labels


def test_hardened():
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] > 0
    assert POD["automountServiceAccountToken"] is False
    (container,) = POD["containers"]
    own = container["securityContext"]
    assert own["readOnlyRootFilesystem"] is True
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in POD["volumes"]}
    assert all("sizeLimit" in volume["emptyDir"] for volume in POD["volumes"])


def test_only_inference_asks_and_triton_asks_nobody():
    policy = KINDS["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy
    asking = {
        rule["ports"][0]["port"]: rule["from"][0]["podSelector"]["matchLabels"]["app"] for rule in policy["ingress"]
    }
    assert asking == {8001: "inference", 8002: "prometheus"}


def test_images_are_pinned_and_no_registry_is_named():
    (container,) = POD["containers"]
    assert re.fullmatch(r"[a-z]+/[a-z]+:\d+\.\d+\.\d+", container["image"])
    text = (deploy.DEPLOY / "docker" / "triton.Dockerfile").read_text()
    (default,) = re.findall(r"^ARG TRITON_IMAGE=(\S+)$", text, re.MULTILINE)
    assert "." not in default.split("/")[0]
    assert re.fullmatch(r"[a-z]+/[a-z]+:\d+\.\d+-py3", default)


@pytest.mark.parametrize(
    "word", ["--require-hashes", "USER 10001:10001", "COPY deploy/triton/model_repository /models"]
)
def test_the_image(word):
    assert word in (deploy.DEPLOY / "docker" / "triton.Dockerfile").read_text()
