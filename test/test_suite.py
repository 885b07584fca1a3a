# SPDX-License-Identifier: MIT
"""The suite's own lists: what is slow has its turn in the rota, and what is named exists."""

import glob
import importlib.machinery
import importlib.util
import os

HERE = os.path.dirname(os.path.abspath(__file__))
GROUPS = {os.path.basename(path)[5:-3]: path for path in glob.glob(os.path.join(HERE, "test_*.py"))}


def module(name: str):
    """test/suite or test/rota, as a module."""
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(HERE, name))
    made = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(made)
    return made


def test_each_slow_group_has_its_turn():
    suite, parts = module("suite"), module("rota").PARTS
    turns = {group for groups, _ in parts.values() for group in groups}
    slow = {group for group, path in GROUPS.items() if suite.is_slow(path)}
    assert len(slow) > 20 and slow | set(suite.RECOUNTED) <= turns, (slow | set(suite.RECOUNTED)) - turns
    assert turns <= {*GROUPS, "mutants"}, turns - {*GROUPS, "mutants"}


def test_order_names_groups():
    order = module("suite").ORDER
    assert len(set(order)) == len(order) and set(order) <= {*GROUPS, "unit"}, set(order) - set(GROUPS)
