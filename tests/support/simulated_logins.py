"""Simulations of the commands by which the Kubernetes provider logs in: each gives the token of an API server that is real."""

from __future__ import annotations

import json
from pathlib import Path

_AWS = """\
#!/bin/sh
# A simulation of one command of AWS's: whoever asks for a cluster that there is gets the token of its API server.
if [ "$1 $3 $4 $5 $7 $8" = "--region eks get-token --cluster-name --output json" ] && [ -f "{folder}/$2/$6.json" ]; then
  echo "$2/$6" >> "{folder}/asked"
  exec cat "{folder}/$2/$6.json"
fi
echo "An error occurred (ResourceNotFoundException): the simulation knows nothing of: $*" >&2
exit 254
"""

_GOOGLE = """\
#!/bin/sh
# A simulation of Google's command: whoever has a file of credentials and is told of a server that there is gets its token.
server=$(printf '%s' "$KUBERNETES_EXEC_INFO" | sed -n 's|.*"server":"https://\\([^"]*\\)".*|\\1|p')
if [ "$*" = "--use_application_default_credentials" ] && [ -f "$GOOGLE_APPLICATION_CREDENTIALS" ] && [ -f "{folder}/gke/$server.json" ]; then
  echo "gke/$server" >> "{folder}/asked"
  exec cat "{folder}/gke/$server.json"
fi
echo "the simulation knows nothing of: $* for $KUBERNETES_EXEC_INFO" >&2
exit 1
"""

COMMANDS = {"aws": _AWS, "gke-gcloud-auth-plugin": _GOOGLE}


class SimulatedLogins:
    """Commands in a folder for PATH. Each cluster is known to one of them by what the kubeconfig tells that command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.commands = folder / "bin"
        self.commands.mkdir(parents=True)
        for name, text in COMMANDS.items():
            command = self.commands / name
            command.write_text(text.format(folder=folder), encoding="utf-8")
            command.chmod(0o755)

    def admit(self, cluster: str, token: str) -> None:
        """Give this token to whoever asks for the cluster: `region/name` of an EKS cluster, `gke/host:port` of a GKE cluster."""
        login = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {"token": token}}
        file = self._folder / f"{cluster}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(login), encoding="utf-8")

    def asked(self) -> set[str]:
        """Every cluster that somebody logged in to."""
        return set((self._folder / "asked").read_text(encoding="utf-8").split())
