"""The account of an epoch, against one that is counted row by row."""

import json
import time
from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest

from data.every_order import CHOOSES_ITS_BATCHES, EVERY
from data.every_order import labels as some_labels
from rightbatch.data import tally as tally_module
from rightbatch.data.audit import Audit, EpochAudit
from rightbatch.data.balanced import Balanced
from rightbatch.data.batches import LAST
from rightbatch.data.loader import Loader
from rightbatch.data.ragged import Ragged
from rightbatch.data.stratified import Stratified
from rightbatch.errors import DataError
from rightbatch.records import Batch

pytestmark = pytest.mark.filterwarnings("ignore:the last batch of this epoch will have one row:UserWarning")

ROWS = 30
LABELS = some_labels(ROWS)
X = np.arange(2.0 * ROWS).reshape(ROWS, 2)


def real(batch: Batch) -> list[int]:
    """The rows of a batch that are no padding."""
    return (batch.index if batch.weight is None else batch.index[batch.weight > 0]).tolist()


def by_hand(batches: list[Batch]) -> dict[str, Any]:
    """What an account must say, counted row by row."""
    times = Counter(row for batch in batches for row in real(batch))
    per_batch = [Counter(LABELS[real(batch)].tolist()) for batch in batches]
    delivered = sum(len(batch.index) for batch in batches)
    return {
        "seen": len(times),
        "repeated": sum(count > 1 for count in times.values()),
        "most_often": max(times.values(), default=0),
        "batches": len(batches),
        "sizes": dict(Counter(len(batch.index) for batch in batches)),
        "delivered": delivered,
        "padding": delivered - sum(times.values()),
        "bytes": sum(batch.data[0].nbytes + batch.data[1].nbytes for batch in batches),
        "classes": [
            (str(label), sum(counts), min(counts), sum(counts) / len(batches), max(counts))
            for label in np.unique(LABELS).tolist()
            for counts in [[batch[label] for batch in per_batch]]
        ],
    }


def told(audit: EpochAudit) -> dict[str, Any]:
    """The same, as the account tells it."""
    names = ("seen", "repeated", "most_often", "batches", "sizes", "delivered", "padding", "bytes")
    return {**{name: getattr(audit, name) for name in names}, "classes": [tuple(c) for c in audit.classes]}


@pytest.fixture(params=[2**16, 7], ids=["one fold", "many folds"])
def fold_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches counted by one call, and few."""
    monkeypatch.setattr(tally_module, "FOLD_ROWS", request.param)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("last", LAST)
def test_it_is_what_was_delivered(name: str, last: str, fold_rows: None) -> None:
    """Of every order, `last` and shard, for two epochs; taken while training, and by `audit`."""
    if name == CHOOSES_ITS_BATCHES and last != "keep":
        return
    for size, shard in product((1, 7, ROWS), [None, (0, 3), (2, 3)]):
        order = EVERY[name](ROWS, 1)
        batch_size = None if name == CHOOSES_ITS_BATCHES else min(size, order.length(ROWS))
        loaders = [Loader((X, LABELS), batch_size, order=order, last=last, shard=shard) for _ in range(2)]
        watch = Audit(loaders[0])
        for epoch in range(2):
            expected = by_hand(list(loaders[1].batches()))
            alone = loaders[0].audit()
            list(watch.batches())
            for audit in (watch.epochs[-1], alone):
                assert told(audit) == expected
                assert (audit.epoch, audit.complete, audit.rows) == (epoch, True, ROWS)


def test_shares() -> None:
    """Coverage is of the rows of the data, padding of the rows delivered."""
    audit = Loader(np.arange(10), 4, last="pad", shard=(0, 2)).audit()
    assert (audit.coverage, audit.padding_share) == (5 / 10, 1 / 6)


def test_a_pass_is_the_loaders() -> None:
    """The same batches come, whole or as trees, and one pass here is one pass there."""
    one, other = (Loader((X, LABELS), 4, shuffle=True) for _ in range(2))
    watch = Audit(one)
    assert repr(list(watch)) == repr(list(other))
    assert repr(list(watch.batches())) == repr(list(other.batches()))
    assert one.state_dict() == other.state_dict()
    assert [audit.epoch for audit in watch.epochs] == [0, 1]


def test_an_audit_leaves_the_loader_where_it_is() -> None:
    """Before a pass, in one, and after a state was loaded; what is audited is a whole epoch, the next one."""
    loader, alone = (Loader((X, LABELS), 4, shuffle=True) for _ in range(2))
    seen = []
    for step, (x, _) in enumerate(loader):
        assert (loader.audit().epoch, loader.audit().coverage) == (1, 1)
        seen.append(x)
        if step == 2:
            state = loader.state_dict()
    assert repr(seen) == repr([x for x, _ in alone])
    loader.load_state_dict(state)
    assert (loader.audit().epoch, loader.audit().coverage) == (0, 1)
    assert loader.state_dict() == state
    assert repr([x for x, _ in loader]) == repr(seen[3:])


def test_a_pass_that_is_left_has_an_account_too() -> None:
    """Of the batches so far; one that never began has none."""
    watch = Audit(Loader((X, LABELS), 4))
    watch.batches()
    for batch in watch.batches():
        if batch.step == 2:
            break
    (audit,) = watch.epochs
    assert (audit.complete, audit.batches, audit.seen) == (False, 3, 12)
    assert str(audit).splitlines()[0].endswith(", left before its end")


@pytest.mark.parametrize("cells", [2**18, 2 * ROWS, 1])
@pytest.mark.parametrize("last", LAST)
def test_passes_are_counted_apart(cells: int, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, two at a time, left early, and asked for now or only at the end."""
    monkeypatch.setattr(tally_module, "FOLD_CELLS", cells)
    settings: dict[str, Any] = {"shuffle": True, "last": last}
    for asked in (True, False):
        watch, other = Audit(Loader((X, LABELS), 7, **settings)), Loader((X, LABELS), 7, **settings)
        expected = []
        for number in range(4):
            batches = [list(other.batches()) for _ in range(2)]
            first, second = watch.batches(), watch.batches()
            pairs = list(zip(first, second, strict=True))
            assert len(pairs) == len(batches[0])
            for batch in watch.batches():
                if batch.step == number % 3:
                    break
            part = [batch for batch in other.batches() if batch.step <= number % 3]
            expected += [by_hand(made) for made in (batches[1], batches[0], part)]
            if asked:
                assert len(watch.epochs) == 3 * (number + 1)
        found = [told(audit) for audit in watch.epochs]
        for number in range(4):  # of two passes at a time either may end first
            pair = slice(3 * number, 3 * number + 2)
            found[pair], expected[pair] = (sorted(some[pair], key=str) for some in (found, expected))
        assert found == expected


def test_orders_do_what_they_say() -> None:
    """Stratified batches have each class within one of its share; balanced ones all classes alike."""
    labels = np.repeat([0, 1], [900, 100])
    rare = Loader((np.zeros(1000), labels), 100, order=Stratified(labels)).audit().classes[1]
    assert (rare.rows, rare.least, rare.most) == (100, 10, 10)
    audit = Loader((np.zeros(1000), labels), 100, order=Balanced(labels)).audit()
    assert [(count.least, count.most) for count in audit.classes] == [(50, 50)] * 2
    assert (audit.coverage, audit.repeated, audit.most_often) == (1, 100, 9)


def test_what_ragged_fields_are_padded_to() -> None:
    """Padding and bytes are those of the arrays delivered: values, mask and lengths."""
    words = Ragged([[1], [2, 2], [3, 3, 3], [4], [5, 5]])
    for last in LAST:
        loader = Loader({"words": words, "y": np.arange(5)}, 2, shuffle=True, last=last)
        batches = list(Loader({"words": words, "y": np.arange(5)}, 2, shuffle=True, last=last).batches())
        audit = loader.audit()
        arrays = [array for batch in batches for array in (*batch.data["words"], batch.data["y"])]
        assert audit.bytes == sum(array.nbytes for array in arrays)
        cells = sum(batch.data["words"].values.size for batch in batches)
        values = sum(int(words.lengths[real(batch)].sum()) for batch in batches)
        assert audit.value_padding == pytest.approx(1 - values / cells)
    assert Loader(X, 4).audit().value_padding is None


# labels -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ((X, LABELS), ["0", "1", "2", "3"]),
        ([X, -LABELS.astype(np.int8)], ["-3", "-2", "-1", "0"]),
        ((X, LABELS.astype(np.uint64) + 2**63), [str(2**63 + i) for i in range(4)]),
        ((X, LABELS > 1), ["False", "True"]),
        ({"label": LABELS, "x": X}, ["0", "1", "2", "3"]),
        ({"x": X, "z": LABELS}, []),
        ((X, LABELS * 1.0), []),
        ((X, LABELS * 1000), []),
        (X, []),
        ((X,), []),
        ((X, X), []),
    ],
)
def test_labels_are_found(data: Any, names: list[str]) -> None:
    """The last of several fields, or the one named so, where it holds few whole numbers."""
    assert [count.name for count in Loader(data, 4).audit().classes] == names


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["a", "b", "b"] * 10, ["a", "b"]),
        ([1000, 10**6, 5] * 10, ["5", "1000", "1000000"]),
        ([0.5, 1.5, 0.5] * 10, ["0.5", "1.5"]),
    ],
)
def test_labels_may_be_given(labels: Any, names: list[str]) -> None:
    """Of any kind that can be sorted."""
    (first, *_) = audited = Loader((X, LABELS), 4).audit(labels=labels).classes
    assert [count.name for count in audited] == names
    assert first.rows == labels.count(type(labels[0])(names[0]))


def test_labels_of_another_length_are_refused() -> None:
    """In the words of the orders."""
    with pytest.raises(DataError) as caught:
        Loader(X, 4).audit(labels=[0, 1])
    assert str(caught.value) == (
        "labels has 2 entries but the data have 30 rows; write one label for each row."
    )


# time ---------------------------------------------------------------------------------


def test_waiting_and_computing_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that moves 1 in the loader and 10 in the loop; the audit's own work counts for neither."""
    now = 0.0

    class Slow(Loader):
        def batches(self) -> Any:
            nonlocal now
            for batch in super().batches():
                now += 1
                yield batch
            now += 1

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    watch = Audit(Slow((X, LABELS), 10))
    for _ in watch:
        now += 10
    assert (watch.epochs[0].waiting, watch.epochs[0].computing) == (4, 30)


# what is shown ------------------------------------------------------------------------


def test_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that fits 80 columns."""
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    labels = np.repeat(["cat", "dog"], [8, 2])
    loader = Loader((np.zeros((10, 2)), np.zeros(10)), 4, last="pad")
    assert str(loader.audit(labels)).splitlines() == [
        "epoch 0 of Loader(10 rows, batch_size=4, order=Sequential(), last='pad')",
        "rows      10 of 10 seen, each once",
        "batches   3 of 4 rows",
        "padding   2 rows (17 %)",
        "bytes     288 B, 96 B a batch",
        "time      waiting 0 ns (0 ns a batch), computing 0 ns",
        "class   rows seen  least in a batch    mean    most",
        "cat             8                 0    2.67       4",
        "dog             2                 0   0.667       2",
    ]


@pytest.mark.parametrize(
    ("settings", "rows", "batches"),
    [
        ({"last": "drop"}, "9 of 10 seen, none more than once", "3 of 3 rows"),
        ({}, "10 of 10 seen, each once", "4: 3 of 3 rows, 1 of 1"),
        ({"order": Balanced([0] * 9 + [1])}, None, "6 of 3 rows"),
        ({"order": EVERY["by tokens"](10, 0), "batch_size": None}, "10 of 10 seen, each once", None),
    ],
)
def test_the_words(settings: dict[str, Any], rows: str | None, batches: str | None) -> None:
    """Of rows left out, repeated, and of batches of many sizes."""
    lines = str(Loader(np.arange(10), **{"batch_size": 3, **settings}).audit()).splitlines()
    assert rows is None or lines[1] == f"rows      {rows}"
    assert batches is None or lines[2] == f"batches   {batches}"
    if rows is None:
        assert lines[1] == "rows      10 of 10 seen, 1 of them more than once, at most 9 times"
    if batches is None:
        assert lines[2].endswith(" rows")
        assert " to " in lines[2]


def test_many_classes_are_cut_off() -> None:
    """The first twenty are listed, and how many there are more."""
    lines = str(Loader((np.zeros(50), np.arange(50)), 10).audit()).splitlines()
    assert lines[-1] == "and 30 more classes"
    assert len(lines) == 6 + 1 + 20 + 1


def test_the_account_as_json() -> None:
    """Everything that it tells, and the shares."""
    document = json.loads(json.dumps(Loader((X, LABELS), 4).audit().to_dict()))
    assert (document["coverage"], document["padding_share"], document["rows"]) == (1, 0, ROWS)
    assert document["sizes"] == [{"rows": 4, "batches": 7}, {"rows": 2, "batches": 1}]
    assert document["classes"][0]["name"] == "0"
