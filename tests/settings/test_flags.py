"""What the flags about Kubernetes say, alone and together."""

from pathlib import Path

import pytest

from yuptime_exporter.settings.flags import Settings, parse_arguments

KUBERNETES = "--source.kubernetes"


def settings(*flags: str) -> Settings:
    return parse_arguments([KUBERNETES, *flags])


def complaint(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    """Return what is said of flags that cannot be used."""
    with pytest.raises(SystemExit) as exit_:
        parse_arguments(flags)
    assert exit_.value.code == 2
    return capsys.readouterr().err


def test_without_more_all_namespaces_are_followed_and_secrets_watched() -> None:
    found = settings()

    assert (found.kubernetes, found.namespaces, found.secrets_mode) == (True, (), "watch")
    assert (found.kubeconfig, found.lease, found.status_max_qps) == (None, None, 100.0)
    assert found.manifest_paths == ()
    assert found.storage_path == Path("data/yuptime.db")


def test_manifests_are_no_kubernetes() -> None:
    assert not parse_arguments(["--source.manifests=x"]).kubernetes


def test_everything_can_be_said() -> None:
    found = settings(
        "--kubernetes.namespace=jobs",
        "--kubernetes.namespace=shop",
        "--kubernetes.namespace=jobs",
        "--kubernetes.kubeconfig=/etc/kubeconfig",
        "--kubernetes.secrets=get",
        "--kubernetes.lease=yuptime/receiving.v1",
        "--status.max-qps=7.5",
        "--storage.url=kubernetes:",
    )

    assert found.namespaces == ("jobs", "shop")
    assert found.kubeconfig == Path("/etc/kubeconfig")
    assert (found.secrets_mode, found.lease) == ("get", "yuptime/receiving.v1")
    assert (found.status_max_qps, found.storage_path) == (7.5, None)


@pytest.mark.parametrize("rate", ["1", "10000", "0.1e2"])
def test_a_rate_is_a_number(rate: str) -> None:
    assert settings(f"--status.max-qps={rate}").status_max_qps == float(rate)


WRONG = {
    (): "give --source.manifests=PATH, a file or a directory of YAML, or --source.kubernetes",
    (KUBERNETES, "--source.manifests=x"): "give --source.manifests or --source.kubernetes, not",
    ("--source.manifests=x", "--storage.url=kubernetes:"): "give --source.kubernetes, too",
    (KUBERNETES, "--storage.url=kubernetes"): "allowed are sqlite:PATH and kubernetes:",
    (KUBERNETES, "--storage.url=kubernetes:yuptime"): "allowed are sqlite:PATH and kubernetes:",
    (KUBERNETES, "--storage.url=sqlite:"): "allowed are sqlite:PATH and kubernetes:",
    (KUBERNETES, "--kubernetes.secrets=list"): "invalid choice",
    (KUBERNETES, "--kubernetes.namespace="): "allowed is the name of a namespace",
    (KUBERNETES, "--kubernetes.namespace=Jobs"): "allowed is the name of a namespace",
    (KUBERNETES, "--kubernetes.namespace=jobs,shop"): "allowed is the name of a namespace",
    (KUBERNETES, f"--kubernetes.namespace={'x' * 64}"): "allowed is the name of a namespace",
    (KUBERNETES, "--kubernetes.namespace=../secrets"): "allowed is the name of a namespace",
    (KUBERNETES, "--kubernetes.lease=yuptime"): "allowed is NAMESPACE/NAME",
    (KUBERNETES, "--kubernetes.lease=a/b/c"): "allowed is NAMESPACE/NAME",
    (KUBERNETES, "--kubernetes.lease=/b"): "allowed is NAMESPACE/NAME",
    (KUBERNETES, "--status.max-qps=0"): "allowed is a number from 1 to 10000",
    (KUBERNETES, "--status.max-qps=10001"): "allowed is a number from 1 to 10000",
    (KUBERNETES, "--status.max-qps=nan"): "allowed is a number from 1 to 10000",
    (KUBERNETES, "--status.max-qps=many"): "allowed is a number from 1 to 10000",
}


@pytest.mark.parametrize("flags", WRONG, ids=" ".join)
def test_what_cannot_be_meant_is_explained(
    flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert WRONG[flags] in " ".join(complaint(capsys, *flags).split())
