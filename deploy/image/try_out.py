"""Try the exporter of a virtual environment, so that a missing file fails the build of the image.

    python try_out.py /opt/yuptime deploy/examples

All modules are imported, both commands run, and the exporter starts and stops twice: with the
manifests, and with a kubeconfig whose API server refuses connections. The metrics of the first must
say that the path of a push is compiled.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

IMPORT_ALL = """
import importlib, pkgutil, yuptime_exporter
for module in pkgutil.walk_packages(yuptime_exporter.__path__, "yuptime_exporter."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
# The plugin makes the exporter run every step of a login; port 1 refuses connections.
LOGIN = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1"}
PLUGIN = {"apiVersion": LOGIN["apiVersion"], "command": "echo", "interactiveMode": "Never"}
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "image",
    "contexts": [{"name": "image", "context": {"cluster": "image", "user": "image"}}],
    "clusters": [{"name": "image", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [
        {
            "name": "image",
            "user": {
                "exec": PLUGIN | {"args": [json.dumps(LOGIN | {"status": {"token": "image"}})]}
            },
        }
    ],
}
COMPILED = b'compiled="true"'
LIMIT_SECONDS = 60


def main(environment: Path, manifests: Path) -> None:
    """Run every check; an error ends the build with the output of its command."""
    commands = environment / "bin"
    exporter = commands / "yuptime-exporter"
    for command in (
        [commands / "python", "-c", IMPORT_ALL],
        [exporter, "--version"],
        [commands / "yuptime", "--version"],
        [commands / "yuptime", "check", manifests],
    ):
        subprocess.run(command, check=True)
    with tempfile.TemporaryDirectory() as folder:
        storage = f"--storage.url=sqlite:{folder}/yuptime.db"
        start(
            [exporter, storage, f"--source.manifests={manifests}"],
            until=re.compile(r"msg=listening .*address=(\S+)"),
            scrape=True,
        )
        kubeconfig = Path(folder, "kubeconfig")
        kubeconfig.write_text(json.dumps(KUBECONFIG))
        start(
            [exporter, storage, "--source.kubernetes", f"--kubernetes.kubeconfig={kubeconfig}"],
            until=re.compile(r"reason=unreachable .*127\.0\.0\.1"),
        )


def start(command: list[str | Path], *, until: re.Pattern[str], scrape: bool = False) -> None:
    """Start the exporter, wait for a line of its log, scrape it if wanted, and stop it."""
    signal.alarm(LIMIT_SECONDS)  # a start that hangs ends the build, too
    process = subprocess.Popen(
        [*command, "--web.listen-address=127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    found, metrics = None, b""
    for line in process.stderr or ():
        sys.stderr.write(line)
        if found := until.search(line):
            break
    if found and scrape:
        with urllib.request.urlopen(f"http://{found[1]}/metrics", timeout=LIMIT_SECONDS) as page:
            metrics = page.read()
    process.terminate()
    sys.stderr.write(process.communicate()[1])
    if not found or process.returncode != 0:
        raise SystemExit(
            f"try_out: expected a line with {until.pattern!r} and exit code 0,"
            f" got exit code {process.returncode}"
        )
    if scrape and COMPILED not in metrics:
        raise SystemExit(f"try_out: expected metrics with {COMPILED!r}, got an exporter without")
    signal.alarm(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
