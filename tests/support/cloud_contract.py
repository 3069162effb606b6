"""What a cloud owes to be one of this program's clouds: sentences, never an exception, so that a new package is told everything at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.handle import CloudPackage
from fleet.planner import plan
from fleet.problems import InputError, PlanError
from fleet.stack_file import parse
from stacks.clouds import CLOUDS
from tests.support.cloud_contract_code import Source
from tests.support.cloud_contract_differences import MAKES_NOTHING
from tests.support.cloud_contract_fleet import fleet_owes, said
from tests.support.cloud_contract_graph import graph_owes
from tests.support.cloud_contract_samples import BROKEN, ROLES, SAMPLES, Sample, recorded, settings
from tests.support.stack_files import changed

Clouds = Mapping[str, Callable[[], Any]]

NEUTRAL = {"kubernetes"}
"""Folders of components that belong to no cloud."""

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "cluster": ("Cluster",),
    "encryption": ("Encryption",),
    "identity": ("Identity", "PodIdentity"),
    "images": ("ImageMirror",),
    "kubeconfig": (),
    "network": ("Network",),
    "nodes": ("Nodes",),
    "provider": (),
    "secrets": ("SecretContainer",),
    "storage": ("ModelBucket",),
}
"""File to its component classes: the same names in every cloud, so that a reader compares them file by file."""

FUNCTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "provider": {"region_provider": ("plan", "opts"), "verify": ("plan",)},
    "kubeconfig": {"kubeconfig": ()},
}
"""File to its functions and their parameters; none: they are the cloud's own."""

METHODS = {
    name: tuple(inspect.signature(method).parameters)[1:] for name, method in inspect.getmembers(CloudPackage, inspect.isfunction) if name[0] != "_"
}
"""What `stacks` calls of the `cluster` module of every package, and with what."""

WHERE = "tests/support/cloud_contract_samples.py"

BESIDE: Mapping[str, str] = {
    "docs/{}.md": "what it makes, what it costs, how it differs, what to do after an interruption",
    "tests/components/test_{}_*.py": "what its resources are protected, labelled and ordered like",
    "tests/fleet/test_{}_*.py": "what its half of the planner decides and refuses",
    "tests/support/stand_in_{}": "a stand-in provider, without which no test runs it under the real engine",
}
"""What stands beside the code of a cloud, and what it is for."""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A name, and where its code is looked for."""

    name: str
    source: Source = field(default_factory=Source)
    clouds: Clouds = field(default_factory=lambda: CLOUDS)

    @property
    def folder(self) -> str:
        return f"components/{self.name}"


def named(source: Source | None = None, clouds: Clouds = CLOUDS) -> list[str]:
    """Every cloud that has a line in CLOUDS or a folder."""
    folders = (source or Source()).modules("components") - NEUTRAL - {"handle", "references"}
    return sorted({*clouds, *folders})


def owed(name: str, source: Source | None = None, clouds: Clouds = CLOUDS) -> list[str]:
    """Everything that a cloud still owes, one sentence each."""
    return [*owed_in_words(name, source, clouds), *_sample(name)]


def owed_in_words(name: str, source: Source | None = None, clouds: Clouds = CLOUDS) -> list[str]:
    """What its files and tables alone show that a cloud owes."""
    cloud = Cloud(name=name, source=source or Source(), clouds=clouds)
    found = [*_line(cloud), *_protocol(cloud)]
    if name not in MAKES_NOTHING:
        found += [*_components(cloud), *_functions(cloud), *_extra(cloud), *_beside(cloud), *_tables(cloud)]
    return [*found, *fleet_owes(name, cloud.source)]


def _line(cloud: Cloud) -> Iterator[str]:
    if cloud.name not in cloud.clouds:
        yield f"stacks/clouds.py: CLOUDS has no line {cloud.name}, so no cluster can be in it"
        return
    try:
        cloud.clouds[cloud.name]()
    except Exception as error:  # noqa: BLE001  whatever keeps a package from being imported is told as a sentence
        yield f"stacks/clouds.py: the package of {cloud.name} cannot be imported ({type(error).__name__}: {error})"


def _protocol(cloud: Cloud) -> Iterator[str]:
    for name, parameters in METHODS.items():
        found = cloud.source.parameters(f"{cloud.folder}/cluster", name)
        call = f"{name}({', '.join(parameters)})"
        if found is None:
            yield f"{cloud.folder}/cluster.py has no function {call}, which stacks calls (components/handle.py, CloudPackage)"
        elif found != parameters:
            yield f"{cloud.folder}/cluster.py: {name} takes ({', '.join(found)}), and stacks calls {call}"


def _components(cloud: Cloud) -> Iterator[str]:
    written = cloud.source.text("tests/contracts/test_type_tokens.py")
    for file, classes in COMPONENTS.items():
        path = f"{cloud.folder}/{file}.py"
        if cloud.source.path(path) is None:
            content = f" with {' and '.join(classes)}" if classes else ""
            yield f"{path} is missing{content}: every cloud has the same files"
            continue
        broken = cloud.source.broken(path)
        if broken:
            yield broken
            continue
        tokens = cloud.source.components(path)
        yield from (f"{path} has no component {each} (fleet:{cloud.name}:{each})" for each in classes if each not in tokens)
        for name, token in tokens.items():
            if token != f"fleet:{cloud.name}:{name}":
                yield f"{path}: {name} has the type token {token}, and it is fleet:{cloud.name}:{name} for ever"
            elif f'"{token}"' not in written:
                yield f"tests/contracts/test_type_tokens.py: TOKENS has no line {token}: a token is for ever, so it is written down"


def _functions(cloud: Cloud) -> Iterator[str]:
    for file, functions in FUNCTIONS.items():
        for name, parameters in functions.items():
            found = cloud.source.parameters(f"{cloud.folder}/{file}", name)
            if found is None:
                yield f"{cloud.folder}/{file}.py has no function {name}({', '.join(parameters) or '…'})"
            elif parameters and found != parameters:
                yield f"{cloud.folder}/{file}.py: {name} takes ({', '.join(found)}), and ({', '.join(parameters)}) in every other cloud"
    if not isinstance(cloud.source.constant(f"{cloud.folder}/provider.py", "COMMAND"), str):
        yield f"{cloud.folder}/provider.py has no COMMAND: what the Kubernetes provider logs in with, looked for before the first resource"


def _extra(cloud: Cloud) -> Iterator[str]:
    """What no other cloud must have is said with a reason, and what is said is there."""
    here: set[str] = set()
    for file in sorted(cloud.source.modules(cloud.folder)):
        known = (*COMPONENTS.get(file, ()), *FUNCTIONS.get(file, {}), *(METHODS if file == "cluster" else ()))
        path = f"{cloud.folder}/{file}.py"
        here |= {f"components/{file}.py class {name}" for name in cloud.source.components(path) if name not in known}
        here |= {f"components/{file}.py function {name}" for name in cloud.source.functions(path) if name not in known}
        here |= {f"components/{file}.py"} if file not in COMPONENTS else set()
    yield from said(cloud.name, "components/", here)


def _beside(cloud: Cloud) -> Iterator[str]:
    for pattern, content in BESIDE.items():
        name = pattern.format(cloud.name)
        folder, _, file = name.rpartition("/")
        there = cloud.source.path(folder)
        if there is None or not any(there.glob(file)):
            yield f"{name} is missing: {content}"


def _tables(cloud: Cloud) -> Iterator[str]:
    if f'"{cloud.folder}/"' not in cloud.source.text("tests/contracts/test_imports.py"):
        yield f"tests/contracts/test_imports.py: ALLOWED has no line {cloud.folder}/ with what it may import"
    command = cloud.source.constant(f"{cloud.folder}/provider.py", "COMMAND")
    if command is None or f'"{command}"' not in cloud.source.text("tests/support/cloud_login.py"):
        yield f"tests/support/cloud_login.py makes no machine that can log in to {cloud.name} (COMMANDS, VARIABLES and credentials of its own)"
    sdks = {name.partition(".")[0] for path in cloud.source.files(cloud.folder) for name in cloud.source.imported(path) if name.startswith("pulumi_")}
    missing = sorted(sdk for sdk in sdks if f"{sdk.replace('_', '-')}==" not in cloud.source.text("requirements.txt"))
    yield from (f"requirements.txt has no version of {name.replace('_', '-')}, which {cloud.folder} imports" for name in missing)


def _sample(cloud: str) -> Iterator[str]:
    sample = SAMPLES.get(cloud)
    if sample is None:
        yield f"{WHERE}: SAMPLES has no fleet in {cloud}, so nothing that it makes was looked at"
        return
    for environment in ("prod", "staging"):
        try:
            yield from list(graph_owes(cloud, recorded(cloud, environment)))
        except Exception as error:  # noqa: BLE001  likewise
            yield f"{WHERE}: the sample of {cloud} does not run in {environment} ({type(error).__name__}: {error})"
    if cloud in MAKES_NOTHING:
        return
    yield from (f"{WHERE}: the sample of {cloud} does not say what its {role} is (kinds)" for role in ROLES if role not in sample.kinds)
    for meaning in BROKEN:
        if meaning in sample.broken:
            yield from _refused(cloud, sample, meaning)
        else:
            yield f"{WHERE}: the sample of {cloud} does not show that it refuses {meaning} (broken)"


def _refused(cloud: str, sample: Sample, meaning: str) -> Iterator[str]:
    changes, expected = sample.broken[meaning]
    try:
        plan(parse(changed(settings(sample, "staging"), dict(changes))))
    except (InputError, PlanError) as error:
        fields = [problem.field for problem in error.problems]
        if expected not in fields:
            yield f"{cloud} refuses {meaning} at {', '.join(fields)}, and the mistake is at {expected}"
    else:
        yield f"{cloud} accepts {meaning}: {dict(changes)}"
