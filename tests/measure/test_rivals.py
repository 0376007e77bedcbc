"""Every way to make batches that is installed gives every row once an epoch, in a new order."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.measure import rivals as module
from rightbatch.measure.race import made_up
from rightbatch.measure.rivals import OURS, Rival, chosen, installed

PACKAGES = [package for package in module._MODULES if package]


def loaded() -> list[Rival]:
    """Those of NumPy and of PyTorch; the others bring warnings of their own, and are checked in each race."""
    found = [*importlib.import_module("rightbatch.measure.rivals_numpy").RIVALS]
    if importlib.util.find_spec("torch"):
        found += importlib.import_module("rightbatch.measure.rivals_torch").RIVALS
    return found


@pytest.mark.parametrize("rival", loaded(), ids=lambda rival: rival.name)
@pytest.mark.parametrize(("rows", "batch_size"), [(100, 7), (64, 64), (9, 3)])
def test_an_epoch_has_every_row_once(rival: Rival, rows: int, batch_size: int) -> None:
    """In batches of the size asked for, dtypes unchanged, x and y together, and each epoch in a new order."""
    x, y = made_up(rows, 3, "float32")
    x[:, 0] = y
    epoch, orders = rival.epochs(x, y, batch_size), []
    for _ in range(2):
        batches = [tuple(np.asarray(part).copy() for part in pair) for pair in epoch()]
        order = np.concatenate([y_part for _, y_part in batches])
        assert sorted(order.tolist()) == list(range(rows))
        assert [len(y_part) for _, y_part in batches[:-1]] == [batch_size] * (len(batches) - 1)
        assert (np.concatenate([x_part for x_part, _ in batches])[:, 0] == order).all()
        assert {x_part.dtype for x_part, _ in batches} == {x.dtype}
        orders.append(order.tolist())
    assert orders[0] != orders[1]


def without(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As if only the packages named were installed."""
    find: Callable[..., Any] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: find(name) if name in names else None)


def test_what_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a line for each; this package, NumPy and scikit-learn are always there, ours first."""
    without([], monkeypatch)
    found, missing = installed()
    assert [rival.name for rival in found] == [OURS, f"{OURS} threads=2", "NumPy loop", "scikit-learn"]
    assert missing == [f"{package} is not installed and was left out." for package in PACKAGES]


def test_some_alone_can_be_chosen() -> None:
    """By their names, in any case and with blanks; ours is always among them."""
    found = [Rival(name, "1", "", lambda x, y, b: list) for name in (OURS, "NumPy loop", "scikit-learn")]
    assert chosen(found, None) == found
    assert [rival.name for rival in chosen(found, " scikit-LEARN ,")] == [OURS, "scikit-learn"]
    assert [rival.name for rival in chosen(found, OURS)] == [OURS]
    for only in ("numpy", "NumPy loop,numpy"):
        with pytest.raises(SettingError) as raised:
            chosen(found, only)
        assert str(raised.value) == (
            "only is none of the loaders here, got 'numpy'; write names with commas between them, of "
            "rightbatch, NumPy loop, scikit-learn."
        )
    with pytest.raises(SettingError, match="only is none of the loaders here, got ','"):
        chosen(found, ",")


def test_names_have_no_comma() -> None:
    """Commas are between them in --only."""
    assert not any("," in rival.name for rival in loaded())


def test_each_says_what_it_is() -> None:
    """Names differ; each has its version and its setting."""
    found = loaded()
    assert len({rival.name for rival in found}) == len(found)
    assert all(rival.setting and rival.version.split()[-1][0].isdigit() for rival in found)


def test_naming_the_others_imports_none_of_them() -> None:
    """They are imported when a benchmark is run, not before."""
    code = (
        "import json, sys, rightbatch.cli.bench; "
        f"print(json.dumps([name for name in {PACKAGES!r} if name in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []
