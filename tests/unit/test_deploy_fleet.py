"""deploy/: the manifests, the container file and the Slurm example of a fleet."""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from sfr.commands.fleet import add_arguments
from sfr.config.load import load_config
from sfr.fleet.loading import load_fleet

PROJECT = Path(__file__).resolve().parents[2]
MANIFESTS = PROJECT / "deploy" / "kubernetes" / "fleet.yaml"
CONTAINER_FILE = PROJECT / "deploy" / "container" / "Containerfile"
SLURM = PROJECT / "deploy" / "slurm" / "fleet.sbatch"
DOCUMENTS: list[dict[str, Any]] = list(yaml.safe_load_all(MANIFESTS.read_text()))
#: The oldest version that the manifests are for, and the newest that the schemas know.
VERSIONS = ("1.33", kubernetes_validate.latest_version())


def of_kind(kind: str) -> Iterator[dict[str, Any]]:
    """The documents of this kind."""
    return (document for document in DOCUMENTS if document["kind"] == kind)


JOBS = {job["metadata"]["name"]: job["spec"]["jobTemplate"]["spec"] for job in of_kind("CronJob")}


def container_of(job: dict[str, Any]) -> dict[str, Any]:
    """Its only container."""
    (container,) = job["template"]["spec"]["containers"]
    return container


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_manifest_is_valid_by_the_schemas_of_kubernetes(document, version):
    """Strictly: an unknown key is an error."""
    kubernetes_validate.validate(document, version, strict=True)


def test_schemas_find_a_wrong_key():
    """The check above is worth something."""
    wrong = yaml.safe_load(MANIFESTS.read_text().split("---")[2].replace("backoffLimitPerIndex", "backoffLimitPerIndx"))

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.33", strict=True)


def test_fleet_job_runs_one_pod_per_org_and_tries_again_what_may_help():
    """What the documents promise about the Job."""
    job = JOBS["sfr-fleet"]
    pod = job["template"]["spec"]

    assert [one["spec"]["concurrencyPolicy"] for one in of_kind("CronJob")] == ["Forbid", "Forbid"]
    assert (job["completionMode"], job["backoffLimitPerIndex"], job["podReplacementPolicy"]) == ("Indexed", 2, "Failed")
    assert job["podFailurePolicy"]["rules"] == [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailIndex", "onExitCodes": {"containerName": "sfr", "operator": "In", "values": [1, 2, 3, 4]}},
    ]
    assert (pod["restartPolicy"], pod["terminationGracePeriodSeconds"]) == ("Never", 90)
    assert job["activeDeadlineSeconds"] > 0
    assert "--resume" in container_of(job)["args"]


@pytest.mark.parametrize("name", JOBS)
def test_pods_have_no_privileges(name):
    """Another user than root, a root file system that cannot be written, no token of the cluster."""
    pod, container = JOBS[name]["template"]["spec"], container_of(JOBS[name])

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}
    assert all("secret" not in str(variable.get("valueFrom", "")) for variable in container.get("env", ()))


@pytest.mark.parametrize("name", JOBS)
def test_pods_have_the_credentials(name):
    """The summary too: it reads the fleet's file, whose `notify` may refer to some."""
    pod, container = JOBS[name]["template"]["spec"], container_of(JOBS[name])
    (volume,) = (volume["name"] for volume in pod["volumes"] if "secret" in volume)
    (place,) = (mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == volume)

    assert {"name": "CREDENTIALS_DIRECTORY", "value": place} in container["env"]


@pytest.mark.parametrize("name", JOBS)
def test_arguments_of_the_pods_are_those_of_the_command(name):
    """`sfr fleet …`."""
    command, *arguments = container_of(JOBS[name])["args"]
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert command == "fleet"
    assert parser.parse_args(arguments).fleet == "/config/fleet.yaml"


def test_config_map_holds_a_valid_fleet_and_as_many_pods_as_orgs(tmp_path, monkeypatch):
    """With the credentials as files, as the secret's volume has them."""
    (config_map,) = of_kind("ConfigMap")
    directory = tmp_path / "config"
    directory.mkdir()
    for name, text in config_map["data"].items():
        (directory / name).write_text(text.replace("/config/", f"{directory}/").replace("/data/", f"{tmp_path}/data/"))
        (directory / name).chmod(0o600)
    credentials = tmp_path / "credentials"
    (credentials / "..data").mkdir(parents=True)
    for org in ("acme", "beta", "gamma"):
        for part in ("client_id", "client_secret"):
            file = credentials / "..data" / f"{org}_{part}"
            file.write_text("secret")
            file.chmod(0o440)
            (credentials / file.name).symlink_to(f"..data/{file.name}")
    monkeypatch.chdir(tmp_path)
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}

    fleet = load_fleet(str(directory / "fleet.yaml"), environ)

    assert fleet.settings.engine == "index"
    assert len(fleet.orgs) == JOBS["sfr-fleet"]["completions"]
    for org in fleet.orgs:
        assert load_config(org.config, environ=environ).warnings == ()


def test_container_file_copies_what_is_there_and_runs_as_another_user_than_root():
    """A slim base, and sources that exist."""
    lines = [line for line in CONTAINER_FILE.read_text().splitlines() if line and not line.startswith("#")]
    sources = [
        name for line in lines if line.startswith("COPY") and "--from" not in line for name in line.split()[1:-1]
    ]

    assert all((PROJECT / name).exists() for name in sources)
    assert {line.split()[1] for line in lines if line.startswith("FROM")} == {"python:3.12-slim"}
    assert [line.split()[1] for line in lines if line.startswith("USER")] == ["10001:10001"]
    assert JOBS["sfr-fleet"]["template"]["spec"]["securityContext"]["runAsUser"] == 10001


def test_container_file_copies_all_that_an_installation_needs():
    """The files that setup.cfg reads, and the package."""
    copied = CONTAINER_FILE.read_text().partition("RUN")[0]
    needed = re.findall(r"file: (\S+)", (PROJECT / "setup.cfg").read_text())

    assert needed
    assert all(
        re.search(rf"^COPY .*\b{re.escape(name)}\b", copied, re.MULTILINE) for name in [*needed, "sfr", "setup.cfg"]
    )


def test_slurm_example_is_a_script_for_an_array_of_tasks():
    """Bash accepts it; tasks are numbered from 0, and get time to end."""
    subprocess.run(["bash", "-n", str(SLURM)], check=True)
    text = SLURM.read_text()

    assert re.search(r"^#SBATCH --array=0-", text, re.MULTILINE)
    assert re.search(r"^#SBATCH --signal=TERM@90", text, re.MULTILINE)
    assert "SLURM_ARRAY_TASK_ID" in text
