"""What an AWS region of a stack file gets wrong that no single field shows: accounts, copies between regions, capacity, quotas."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from fleet import spot_checks
from fleet.aws import offerings, quotas, reservations
from fleet.aws.network import foreign_partition, other_partition
from fleet.aws.offerings import SYSTEM_MACHINE
from fleet.fleet_plan import PoolPlan
from fleet.problems import Problem, nearest
from fleet.settings import AwsCluster, Settings

ARN_REGION, ARN_ACCOUNT = 3, 4
"""Places of an ARN between colons."""

Pools = Mapping[str, Sequence[PoolPlan]]
"""Cluster name to the pools that are planned in it."""


def problems(settings: Settings, pools: Pools) -> Iterator[Problem]:
    """Every reason why AWS would refuse or strand what the stack file asks of it.

    Args:
        settings: with default pools.
        pools: of every cluster; pools that were refused already are left out.
    """
    clusters = {name: cluster for name, cluster in settings.clusters.items() if isinstance(cluster, AwsCluster)}
    for name, cluster in clusters.items():
        foreign = other_partition(name, cluster.region)
        if foreign:
            yield foreign
            continue
        yield from _principals(f"clusters.{name}", cluster)
        yield from _image_credential(f"clusters.{name}.images.credential_arn", cluster)
        yield from _secret_replicas(f"clusters.{name}.secret_replicas", cluster)
        yield from _replication(settings, name, cluster)
    yield from _circles(clusters)
    yield from spot_checks.problems(settings, clusters)
    yield from reservations.problems(settings, pools)
    yield from quotas.problems(settings, pools)


def notices(settings: Settings, pools: Pools) -> Iterator[str]:
    """Warnings, one sentence each: what nothing here can know, and is planned all the same."""
    for name, cluster in settings.clusters.items():
        if not isinstance(cluster, AwsCluster) or foreign_partition(cluster.region):
            continue
        machines = dict.fromkeys((SYSTEM_MACHINE, *(pool.machine for pool in pools.get(name, ()))))
        unknown = [machine for machine in machines if not offerings.knows(machine, cluster.region)]
        if unknown:
            command = f"aws ec2 describe-instance-type-offerings --location-type availability-zone-id --region {cluster.region}"
            yield f"cluster {name}: whether the zones of {cluster.region} offer {', '.join(unknown)} is not known here; ask {command}"
        yield from quotas.notices(name, pools.get(name, ()))
        if cluster.images.mirror and cluster.images.credential_arn is None:
            yield (
                f"clusters.{name}.images.mirror: an update stops at the registry's rule until the secret that it makes holds an account of "
                "Docker Hub, and goes on then; images.credential_arn names one that is there already (docs/aws.md)"
            )
        if settings.environment == "prod":
            yield from _unsaid(f"clusters.{name}", cluster)
    yield from reservations.notices(settings)


def _unsaid(where: str, cluster: AwsCluster) -> Iterator[str]:
    """What prod should say before its first update, for it is awkward to say later."""
    if cluster.account is None:
        yield f"{where}.account is not set: nothing would notice credentials of another account"
    if cluster.deployer is None:
        yield f"{where}.deployer is not set: whoever makes the cluster administers it, and nobody sees who that was"


def _principals(where: str, cluster: AwsCluster) -> Iterator[Problem]:
    deployer, admins = cluster.deployer, cluster.admins
    account = _arn(deployer, ARN_ACCOUNT) if deployer else None
    if account and cluster.account and account != cluster.account:
        limit = f"is of account {account}, and the cluster of account {cluster.account}, whose own roles and users alone can make it"
        yield Problem(field=f"{where}.deployer", value=deployer, limit=limit, remedy="name a role of that account, or correct account")
    for index, admin in enumerate(admins):
        if admin in admins[:index]:
            yield Problem(field=f"{where}.admins[{index}]", value=admin, limit="is named twice", remedy="name each once")
        elif admin == deployer:
            limit = "is the deployer, who administers the cluster already"
            yield Problem(field=f"{where}.admins[{index}]", value=admin, limit=limit, remedy="remove it here")


def _image_credential(field: str, cluster: AwsCluster) -> Iterator[Problem]:
    """ECR takes only a secret of the region and account that the mirror is in (its guide on pull-through cache rules)."""
    secret = cluster.images.credential_arn
    if secret is None:
        return
    if not cluster.images.mirror:
        yield Problem(
            field=field, value=secret, limit="nothing but the mirror uses it, and images.mirror is off", remedy="set mirror: true, or remove it"
        )
    if _arn(secret, ARN_REGION) != cluster.region:
        limit = f"is in {_arn(secret, ARN_REGION)}, and ECR takes a secret of its own region only"
        yield Problem(field=field, value=secret, limit=limit, remedy=f"name a secret in {cluster.region}, or leave it out: an empty one is made")
    if cluster.account and _arn(secret, ARN_ACCOUNT) != cluster.account:
        limit = f"is of account {_arn(secret, ARN_ACCOUNT)}, and ECR takes a secret of its own account only"
        yield Problem(
            field=field, value=secret, limit=limit, remedy=f"name a secret of account {cluster.account}, or leave it out: an empty one is made"
        )


def _secret_replicas(field: str, cluster: AwsCluster) -> Iterator[Problem]:
    for index, region in enumerate(cluster.secret_replicas):
        each = f"{field}[{index}]"
        if region == cluster.region:
            yield Problem(field=each, value=region, limit="is where the secrets are themselves", remedy="name other regions")
        elif region in cluster.secret_replicas[:index]:
            yield Problem(field=each, value=region, limit="is named twice", remedy="name each once")
        elif foreign_partition(region):
            yield Problem(field=each, value=region, limit="is in another partition, which no secret is copied to", remedy="name commercial regions")


def _replication(settings: Settings, name: str, cluster: AwsCluster) -> Iterator[Problem]:
    targets = cluster.replicate_weights_to
    others = [other for other, found in settings.clusters.items() if isinstance(found, AwsCluster) and other != name]
    for index, target in enumerate(targets):
        field = f"clusters.{name}.replicate_weights_to[{index}]"
        found = settings.clusters.get(target)
        if target == name:
            yield Problem(field=field, value=target, limit="is this cluster itself", remedy=nearest("", others))
        elif found is None:
            limit = "there is no such cluster"
            yield Problem(field=field, value=target, limit=limit, remedy=nearest(target, others), unknown_in="clusters")
        elif not isinstance(found, AwsCluster):
            yield Problem(field=field, value=target, limit=f"has cloud {found.cloud} and no bucket of S3", remedy=nearest("", others))
        elif target in targets[:index]:
            yield Problem(field=field, value=target, limit="is named twice", remedy="name each once")


def _circles(clusters: Mapping[str, AwsCluster]) -> Iterator[Problem]:
    """One of each knot, told of its first name: buckets that wait for each other could not be made."""
    for name in sorted(clusters):
        circle = _way_back(name, clusters)
        if circle and name == min(circle):
            limit = f"goes round in a circle: {' → '.join((*circle, name))}"
            remedy = "let one cluster, whose mirror runs first, copy to the others"
            yield Problem(field=f"clusters.{name}.replicate_weights_to", value=list(clusters[name].replicate_weights_to), limit=limit, remedy=remedy)


def _way_back(start: str, clusters: Mapping[str, AwsCluster]) -> tuple[str, ...]:
    """The shortest circle over other clusters that comes back to the start, which is its first name; empty where there is none."""
    ways: deque[tuple[str, ...]] = deque([(start,)])
    reached = {start}
    while ways:
        way = ways.popleft()
        targets = set(clusters[way[-1]].replicate_weights_to) & set(clusters)
        if start in targets and len(way) > 1:
            return way
        ways.extend((*way, target) for target in sorted(targets - reached))
        reached |= targets
    return ()


def _arn(arn: str, place: int) -> str:
    return arn.split(":")[place]
