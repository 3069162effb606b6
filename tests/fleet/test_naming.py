"""Names: never too long for where they go, the same every time, and different for different things."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import naming

pytestmark = pytest.mark.pure

LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
KEYS = st.text("az09-", max_size=39).map(lambda text: f"k{text}".rstrip("-"))
LIMITS = st.sampled_from([naming.KUBERNETES_LABEL, naming.HELM_RELEASE, naming.AWS_ROLE, naming.GCP_SERVICE_ACCOUNT, naming.BUCKET])
REPOSITORIES = st.builds("{}/{}".format, st.text("aZ9._-", min_size=1, max_size=20), st.text("aZé9._-", min_size=1, max_size=60))
INPUTS = st.text(st.characters(codec="ascii", min_codepoint=32), max_size=20)
COMMITS = st.text("0123456789abcdef", min_size=40, max_size=40)


@given(parts=st.lists(KEYS, min_size=1, max_size=5), limit=LIMITS)
def test_a_name_is_a_label_that_is_never_longer_than_its_limit(parts: list[str], limit: int) -> None:
    name = naming.safe_name(*parts, limit=limit)
    assert len(name) <= limit, "the cloud would refuse it in the middle of an update"
    assert LABEL.fullmatch(name), "it starts with a letter and ends with a letter or digit"
    assert naming.safe_name(*parts, limit=limit) == name, "the same parts give the same name"


@given(parts=st.lists(KEYS, min_size=1, max_size=5), limit=LIMITS)
def test_a_name_that_fits_is_left_as_it_is(parts: list[str], limit: int) -> None:
    plain = "-".join(parts)
    assert (naming.safe_name(*parts, limit=limit) == plain) == (len(plain) <= limit), "a person recognises it"


@given(first=st.lists(KEYS, min_size=2, max_size=5), second=st.lists(KEYS, min_size=2, max_size=5), limit=LIMITS)
def test_different_names_stay_different_when_they_are_cut(first: list[str], second: list[str], limit: int) -> None:
    shared = "a" * limit  # what is cut off is all that tells them apart
    if "-".join(first) != "-".join(second):
        assert naming.safe_name(shared, *first, limit=limit) != naming.safe_name(shared, *second, limit=limit), "two things, one name"


def test_a_name_is_cut_where_the_limit_says_and_not_before() -> None:
    assert naming.safe_name("a" * 63) == "a" * 63, "63 characters fit"
    assert len(naming.safe_name("a" * 64)) == 63, "64 do not"
    assert naming.safe_name("a" * 20, "-", limit=20).startswith("aaaaaaaaaaa-"), "no hyphen before the hash's own"


def test_a_limit_without_room_for_a_hash_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="no room"):
        naming.safe_name("name", limit=9)


@given(repository=REPOSITORIES, revision=COMMITS, other=COMMITS)
def test_the_weights_of_each_revision_have_a_name_of_their_own(repository: str, revision: str, other: str) -> None:
    name = naming.weights_name(repository, revision)
    assert LABEL.fullmatch(name), "it becomes the name of Kubernetes objects"
    assert len(name) <= 47, "prefixes such as mirror- must fit as well"
    if other != revision:
        assert naming.weights_name(repository, other) != name, "a new revision is a new cache, never a changed one"


def test_the_weights_of_two_repositories_that_read_alike_have_different_names() -> None:
    names = {naming.weights_name(repository, "a" * 40) for repository in ("org/Model-7B", "org/model.7b", "other/Model-7B", "org/model_7b")}
    assert len(names) == 4, "the hash tells apart what the readable part does not"


def test_a_repository_without_a_readable_character_still_gets_a_name() -> None:
    assert re.fullmatch(r"weights-[0-9a-f]{8}", naming.weights_name("org/__", "a" * 40)), "the hash is enough"


@given(environment=KEYS, key=KEYS, inputs=st.lists(INPUTS, min_size=1, max_size=4), more=INPUTS)
def test_a_cluster_keeps_its_identity_until_an_input_that_replaces_it_changes(environment: str, key: str, inputs: list[str], more: str) -> None:
    identity = naming.cluster_identifier(environment, key, inputs)
    assert identity == naming.cluster_identifier(environment, key, tuple(inputs)), "an identity that moves makes Pulumi replace every object"
    assert identity.startswith(f"{environment}-{key}-"), "a person recognises it"
    assert identity != naming.cluster_identifier(environment, key, [*inputs, more]), "another cluster must not look like the same one"


def test_the_borders_between_parts_count_in_a_hash() -> None:
    assert naming.short_hash("ab", "c") != naming.short_hash("a", "bc"), "otherwise two clusters could share an identity"


@given(parts=st.lists(KEYS, min_size=1, max_size=4))
def test_a_weekly_schedule_is_a_minute_of_the_week(parts: list[str]) -> None:
    minute, hour, *every, weekday = naming.weekly_schedule(*parts).split()
    assert (0 <= int(minute) < 60, 0 <= int(hour) < 24, every, 0 <= int(weekday) < 7) == (True, True, ["*", "*"], True), "as cron writes it"
    assert naming.weekly_schedule(*parts) == naming.weekly_schedule(*parts), "the same every time, or each update would move it"


def test_weekly_schedules_are_spread_over_the_week() -> None:
    schedules = [naming.weekly_schedule("fleet", f"cache-{number}") for number in range(200)]
    assert len(set(schedules)) > 190, "what a hundred fleets start at once, a hub refuses"
    assert {schedule.split()[-1] for schedule in schedules} == set("0123456"), "on every day"


@given(repository=REPOSITORIES, revision=COMMITS)
def test_the_weights_of_another_place_have_another_name(repository: str, revision: str) -> None:
    names = {naming.weights_name(repository, revision, place) for place in ("", "/srv/models", "/srv/other")}
    assert len(names) == 3, "a volume's place cannot be changed under its name"
    assert all(len(name) <= 47 and LABEL.fullmatch(name) for name in names), "as long as any other"
