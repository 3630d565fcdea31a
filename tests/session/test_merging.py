from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vivavoce.session.merging import at, nest, overlay, without

LEAVES = st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.lists(st.integers(), max_size=2))
NAMES = st.sampled_from(["a", "b", "c", "d"])


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    inner = st.recursive(leaves, lambda below: st.dictionaries(NAMES, below, max_size=3), max_leaves=12)
    return st.dictionaries(NAMES, inner, max_size=4)


FULL = trees(LEAVES)
WITH_NONE = trees(st.one_of(st.none(), LEAVES))


@pytest.mark.parametrize(
    ("below", "above", "merged"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"type": "x", "b": 1}}, {"a": {"type": "y"}}, {"a": {"type": "y"}}),
        ({"a": {"type": "x", "b": 1}}, {"a": {"b": 2}}, {"a": {"type": "x", "b": 2}}),
        ({"a": {"type": "x", "b": 1}}, {"a": {"type": "x"}}, {"a": {"type": "x", "b": 1}}),
        ({"a": {"id": "p", "version": "2"}}, {"a": {"id": "q"}}, {"a": {"id": "q"}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
    ],
)
def test_layers_merge_deeply(below: dict[str, Any], above: dict[str, Any], merged: dict[str, Any]) -> None:
    assert overlay(below, above) == merged


def is_tree(value: object) -> bool:
    return isinstance(value, dict)


def has_shape_conflict(one: dict[str, Any], two: dict[str, Any]) -> bool:
    """Whether a key holds an object in one tree and something else in the other."""
    return any(
        is_tree(one[key]) != is_tree(two[key])
        or (is_tree(one[key]) and has_shape_conflict(one[key], two[key]))
        for key in one.keys() & two.keys()
    )


@given(FULL, FULL, FULL)
def test_it_does_not_matter_which_layers_are_merged_first(
    run: dict[str, Any], initial: dict[str, Any], agent: dict[str, Any]
) -> None:
    assume(not has_shape_conflict(run, initial) and not has_shape_conflict(initial, agent))
    assert overlay(overlay(run, initial), agent) == overlay(run, overlay(initial, agent))


@given(WITH_NONE)
def test_an_empty_layer_changes_nothing_and_the_same_layer_twice_neither(tree: dict[str, Any]) -> None:
    assert overlay(tree, {}) == overlay({}, tree) == overlay(tree, tree) == tree


@given(WITH_NONE, WITH_NONE)
def test_whatever_stands_above_is_there_afterwards_none_included(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    before = copy.deepcopy((below, above))

    def check(merged: dict[str, Any], below: dict[str, Any], above: dict[str, Any]) -> None:
        assert merged.keys() == below.keys() | above.keys()
        for key, value in merged.items():
            if key not in above:
                assert value == below[key]
            elif is_tree(above[key]) and is_tree(below.get(key)):
                check(value, below[key], above[key])
            else:
                assert value == above[key]

    check(overlay(below, above), below, above)
    assert (below, above) == before


@given(st.lists(NAMES, min_size=1, max_size=4), LEAVES)
def test_what_is_nested_at_a_path_is_found_there(path: list[str], value: object) -> None:
    assert at(nest(path, value), path) == value
    assert at(nest(path, value), [*path, "deeper"]) is None
    assert at({}, path) is None


@pytest.mark.parametrize(
    ("tree", "path", "left"),
    [
        ({"a": 1, "b": 2}, "a", {"b": 2}),
        ({"a": {"b": {"c": 1, "d": 2}}}, "a.b.c", {"a": {"b": {"d": 2}}}),
        ({"a": None}, "a.b", {"a": None}),
        ({}, "a.b", {}),
        ({"a": {"b": 1}}, "a.x", {"a": {"b": 1}}),
    ],
)
def test_what_stands_at_a_path_is_left_out(tree: dict[str, Any], path: str, left: dict[str, Any]) -> None:
    before = copy.deepcopy(tree)
    assert without(tree, path.split(".")) == left
    assert tree == before
