"""A file that the schema refuses is told everything else that is wrong with it, and nothing that is only a consequence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import Problem
from tests.support.stack_files import REMOVED, changed, refused, small

pytestmark = pytest.mark.pure

BROKEN: dict[str, Any] = {"models.chat.teir": "small"}
"""What makes the schema refuse the file; the model stays as it is."""


def _problems(changes: dict[str, Any]) -> dict[str, Problem]:
    code, found = refused(changed(small(), changes))
    assert code == 2, "the schema refuses it"
    return {problem.field: problem for problem in found}


@pytest.mark.parametrize(
    ("changes", "field", "remedy"),
    [
        ({"models.odd": {"tier": "smal", "pool": "l4"}}, "models.odd.tier", "'small'"),
        ({"models.odd": {"tier": "small", "pool": "l5"}}, "models.odd.pool", "'l4'"),
        ({"models.odd": {"tier": "small", "pool": "l4", "placements": {"heer": {}}}}, "models.odd.placements.heer", "'here'"),
        ({"models.chat.tier": "smal"}, "models.chat.tier", "'small'"),
        ({"models.chat.pool": "l5"}, "models.chat.pool", "'l4'"),
        ({"pools.a": {"accelerator": "A100", "max_nodes": 1}}, "pools.a.accelerator", "A100-"),
        ({"models.odd": {"tier": "small", "pool": "l4", "tensor_parallel": 3}}, "models.odd.tensor_parallel", "1, 2, 4"),
        (
            {"pools.a": {"accelerator": "L4", "max_nodes": 1}, "models.odd": {"tier": "small", "pool": "a", "replicas": {"min": 9}}},
            "models.odd.replicas.max",
            "max_nodes",
        ),
        ({"clusters.us.weight": 7}, "clusters.us.weight", "100"),
    ],
)
def test_what_is_wrong_in_another_place_is_told_as_well(changes: dict[str, Any], field: str, remedy: str) -> None:
    found = _problems(BROKEN | changes)
    assert "models.chat.teir" in found, "what the schema refuses comes first"
    assert field in found, f"a person mends it in one go: {sorted(found)}"
    assert remedy in found[field].remedy, "with its remedy"


@pytest.mark.parametrize(
    "changes",
    [
        {"pools.l4.max_nodes": "four"},
        {"pools.l4.max_nodes": REMOVED},
        {"pools.l4.accelerater": "L4", "pools.l4.accelerator": REMOVED},
        {"models.chat.tensor_parallel": "2"},
        {"models.chat.teir": "small", "models.chat.tier": REMOVED},
        {"models.chat.pol": "l4", "models.chat.pool": REMOVED},
        {"clusters.here.storage_class": {"cache": "x"}, "clusters.here.storage_classes": REMOVED},
        {"clusters.us.cloud": "azure"},
        {"pools": []},
        {"name": 5},
    ],
)
def test_what_only_follows_from_a_refused_part_is_not_told(changes: dict[str, Any]) -> None:
    found = _problems(changes)
    touched = {path.rpartition(".")[0] or path for path in changes} | set(changes)
    strange = [field for field in found if field not in touched and field.rpartition(".")[0] not in touched]
    assert not strange, f"mending the file would make these go away: {strange}"


def test_names_that_were_taken_out_may_still_be_meant() -> None:
    found = _problems({"pools.t4": {"accelerator": "T4", "max_nodes": "two"}, "models.odd": {"tier": "mini-int4", "pool": "t5"}})
    assert "'t4'" in found["models.odd.pool"].remedy, "the pool is there, only one of its numbers is wrong"


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(section=st.sampled_from(["clusters", "pools", "models"]), key=st.sampled_from(["us", "l4", "chat", "new"]), junk=JUNK)
def test_junk_in_any_entry_never_breaks_the_salvage(section: str, key: str, junk: object) -> None:
    code, found = refused(changed(small(), {f"{section}.{key}": junk, "nonsense": 1}))
    assert code == 2, "there is an unknown key"
    assert all(problem.limit and problem.remedy for problem in found), "everything is said in words"
