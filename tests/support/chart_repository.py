"""A chart repository on loopback with a stand-in for every chart that a plan asks for. The charts themselves cannot be downloaded here.

A stand-in has the name and the version of its chart and keeps the service account and the kinds that the plan relies on. Its pods
take machines, priority, replicas and resources from the values, where the real charts read them as well; nothing runs in them.
"""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from fleet.add_ons import AddOn, InCluster, ManifestSpec

_PODS = """\
apiVersion: apps/v1
kind: {kind}
metadata:
  name: {{{{ .Release.Name }}}}
  namespace: {{{{ .Release.Namespace }}}}
  labels: &labels {{app.kubernetes.io/instance: {{{{ .Release.Name }}}}, fleet-test/stand-in: chart}}
spec:
{replicas}
  selector: {{matchLabels: *labels}}
  template:
    metadata: {{labels: *labels}}
    spec:
      serviceAccountName: {account}
      priorityClassName: {{{{ .Values.priorityClassName | default "" | toJson }}}}
      nodeSelector: {{{{ .Values.nodeSelector | default (.Values.global | default dict).nodeSelector | toJson }}}}
      tolerations: {{{{ .Values.tolerations | default (.Values.global | default dict).tolerations | toJson }}}}
      affinity: {{{{ .Values.affinity | toJson }}}}
      securityContext: {{runAsNonRoot: true, runAsUser: 65534, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
      - name: stand-in
        image: registry.test/stand-in
        resources: {{{{ .Values.resources | toJson }}}}
        securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
"""

_ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}, namespace: {{{{ .Release.Namespace }}}}}}
"""

_DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {plural}.{group}
  annotations: {{{{ (.Values.crds | default dict).annotations | toJson }}}}
spec:
  group: {group}
  scope: {scope}
  names: {{kind: {kind}, plural: {plural}}}
  versions:
  - {{name: {version}, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}
"""
"""An open schema: whether the real definition takes our fields is not judged."""


class ChartRepository:
    """Served from a folder until `stop`; `fill` may be called again for another plan."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        self.asked: list[str] = []
        """Paths of all requests."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self.asked, str(folder)))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """What `charts.repository` of a stack file must say."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def fill(self, wanted: Iterable[InCluster]) -> None:
        """Make what these clusters ask for: one chart for each name and version, with every kind that a manifest takes from it."""
        charts: dict[tuple[str, str], dict[str, str]] = {}
        for cluster in wanted:
            for add_on in cluster.add_ons:
                kinds = [manifest for manifest in cluster.manifests if add_on.name in manifest.needs]
                charts.setdefault((add_on.chart, add_on.version), {}).update(_files(add_on, kinds))
        entries: dict[str, list[dict[str, Any]]] = {}
        for (name, version), files in charts.items():
            archive = f"{name}-{version}.tgz"
            (self._folder / archive).write_bytes(_packed(name, files))
            entries.setdefault(name, []).append({**_about(name, version), "urls": [archive]})
        (self._folder / "index.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "entries": entries}), encoding="utf-8")

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, asked: list[str], directory: str, *arguments: Any) -> None:
        self._asked = asked
        super().__init__(*arguments, directory=directory)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name in the library
        self._asked.append(self.path)


def _about(name: str, version: str) -> dict[str, str]:
    return {"apiVersion": "v2", "name": name, "version": version, "description": "A stand-in for the chart, made by a test."}


def _files(add_on: AddOn, kinds: Iterable[ManifestSpec]) -> dict[str, str]:
    """Path inside the chart to text. What an update waits for is a Deployment, what it does not is an agent on every machine."""
    replicas = "  replicas: {{ .Values.replicaCount | default 1 }}" if add_on.wait else ""
    files = {
        "Chart.yaml": yaml.safe_dump(_about(add_on.chart, add_on.version)),
        "templates/pods.yaml": _PODS.format(
            kind="Deployment" if add_on.wait else "DaemonSet", replicas=replicas, account=add_on.service_account or "default"
        ),
        **{f"templates/{one.kind.lower()}.yaml": _definition(one) for one in kinds},
    }
    if add_on.service_account:
        files["templates/account.yaml"] = _ACCOUNT.format(name=add_on.service_account)
    return files


def _definition(manifest: ManifestSpec) -> str:
    group, _, version = manifest.api_version.partition("/")
    scope = "Namespaced" if manifest.namespace else "Cluster"
    return _DEFINITION.format(group=group, version=version, kind=manifest.kind, plural=f"{manifest.kind.lower()}s", scope=scope)


def _packed(name: str, files: Mapping[str, str]) -> bytes:
    """The same bytes for the same files: Helm's provider takes another archive for another chart."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for info, content in _members(name, files):
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def _members(name: str, files: Mapping[str, str]) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for path, text in files.items():
        content = text.encode()
        info = tarfile.TarInfo(f"{name}/{path}")
        info.size = len(content)
        yield info, content
