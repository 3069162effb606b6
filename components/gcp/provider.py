"""The Google provider of one region, and what this machine must have before it is used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pulumi
import pulumi_gcp as gcp

from fleet.fleet_plan import ClusterPlan
from fleet.problems import InputError, Problem

COMMAND = "gke-gcloud-auth-plugin"
KEYS_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
"""Variable that names a file of application default credentials: the one source that the provider and the command both read."""

FOLDER = ("CLOUDSDK_CONFIG", "~/.config/gcloud")
STORED = "application_default_credentials.json"

MACHINE_PRODUCT = Path("/sys/devices/virtual/dmi/id/product_name")
"""Where Linux says what kind of machine it is."""


def region_provider(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> gcp.Provider:
    """One provider for one region: a resource can then never land in another one, nor in another project.

    Credentials come from where every tool of Google's finds them, so none is in the configuration or the state.
    """
    decided = plan.gcp_plan
    return gcp.Provider(
        f"{plan.name}-gcp",
        project=decided.project,
        region=plan.region,
        default_labels=dict(decided.labels),
        add_pulumi_attribution_label=False,
        opts=opts,
    )


def verify(plan: ClusterPlan) -> None:  # noqa: ARG001  alike in every package: what is missing here is missing for every cluster
    """Look for the command that logs in to the cluster and for credentials, without asking Google.

    Raises:
        InputError: one of them is missing.
    """
    problems: list[Problem] = []
    if shutil.which(COMMAND) is None:
        limit = f"the Kubernetes provider of every cluster in Google Cloud logs in with {COMMAND}, and PATH has none"
        remedy = "install it: gcloud components install gke-gcloud-auth-plugin, or the package google-cloud-cli-gke-gcloud-auth-plugin"
        problems.append(Problem(field=f"the command {COMMAND}", value=None, limit=limit, remedy=remedy))
    named = os.environ.get(KEYS_FILE)
    if named and not Path(named).expanduser().is_file():
        problems.append(Problem(field=KEYS_FILE, value=named, limit="there is no such file", remedy="name a file of credentials, or unset it"))
    elif not (named or _stored() or _on_compute_engine()):
        limit = "there are no application default credentials, which the Google provider and the login of every cluster read"
        remedy = f"log in (gcloud auth application-default login), or set {KEYS_FILE}"
        problems.append(Problem(field="a source of Google credentials", value=None, limit=limit, remedy=remedy))
    if problems:
        raise InputError(problems)


def _stored() -> bool:
    variable, usual = FOLDER
    return Path(os.environ.get(variable) or usual).expanduser().joinpath(STORED).is_file()


def _on_compute_engine() -> bool:
    """Machines of Compute Engine say what they are in their firmware; their account is asked for by the libraries themselves."""
    return MACHINE_PRODUCT.is_file() and MACHINE_PRODUCT.read_text(encoding="utf-8").strip() == "Google Compute Engine"
