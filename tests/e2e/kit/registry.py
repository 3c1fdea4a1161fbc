# SPDX-License-Identifier: Apache-2.0
"""`@test` before a function makes it a test, named by its outcome: `journey: frames arrive in order`."""

import importlib.util
import os
import pathlib
import sys
from dataclasses import dataclass
from typing import Callable

HERE = pathlib.Path(__file__).resolve().parent.parent
_named = os.environ.get("STANDPIPE_TEST_FOLDERS")
FOLDERS = [pathlib.Path(f).resolve() for f in _named.split(":")] if _named else [HERE, HERE.parent / "interop"]


@dataclass(frozen=True)
class Test:
    name: str
    run: Callable
    seconds: float  # time limit, before STANDPIPE_TEST_SLOW
    alone: bool  # measures time: nothing else runs beside it


_tests = {}


def test(function=None, *, seconds=60, alone=False):
    def add(f):
        name = f"{f.__module__.removesuffix('_test')}: {f.__name__.replace('_', ' ')}"
        assert name not in _tests, f"two tests are called {name}"
        _tests[name] = Test(name, f, seconds, alone)
        return f

    return add(function) if function else add


def all_tests():
    """Loads each *_test.py once, also when another one has taken something from it."""
    for folder in FOLDERS:
        sys.path.append(str(folder))
        for path in sorted(folder.glob("*_test.py")):
            if path.stem not in sys.modules:
                _load(path)
    return list(_tests.values())


def _load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
