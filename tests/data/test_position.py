"""What a loader remembers."""

import json
from typing import Any

import pytest

from rightbatch.data.batches import Batches
from rightbatch.data.position import Position
from rightbatch.errors import SettingError

BELONGS = {"rows": 100, "order": "Shuffled(seed=0)"}
STATE = {"epoch": 2, "samples": 64, "step": 2, "batch_size": 32, "last": "pad"} | BELONGS
WAY_OUT = "write what state_dict() returned for a loader of this data and order"


def test_a_state_survives_json() -> None:
    """A position written and read is the same position."""
    position = Position(Batches(100, 32, "pad"), 2, 64, 2)
    state = position.state(BELONGS)
    assert state == STATE
    assert Position.from_state(json.loads(json.dumps(state)), BELONGS, 100) == position


def test_a_completed_epoch_is_the_start_of_the_next() -> None:
    """The counts of the epoch begin anew."""
    meant = Batches(100, 32)
    position = Position(meant, 2, 64, 2)
    position.complete()
    assert position == Position(meant, 3, 0, 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rows": 99}, "state['rows'] must be 100 as in this loader, got 99"),
        (
            {"order": "Sequential()"},
            "state['order'] must be 'Shuffled(seed=0)' as in this loader, got 'Sequential()'",
        ),
        ({"samples": 101}, "state['samples'] must be at most 100, got 101"),
        ({"samples": -1}, "state['samples'] must be at least 0, got -1"),
        ({"epoch": 1.5}, "state['epoch'] must be a whole number, got 1.5"),
        ({"step": "2"}, "state['step'] must be a whole number, got '2'"),
        ({"batch_size": 0}, "state['batch_size'] must be at least 1, got 0"),
        ({"batch_size": 101}, "state['batch_size'] must be at most 100, got 101"),
        ({"last": "end"}, "state['last'] must be one of keep, drop, pad, spread, got 'end'"),
    ],
)
def test_a_wrong_state_is_refused_by_name(change: dict[str, Any], text: str) -> None:
    """The sentence names the field, what this loader has, what was got and the way out."""
    with pytest.raises(SettingError) as caught:
        Position.from_state(STATE | change, BELONGS, 100)
    assert str(caught.value) == f"{text}; {WAY_OUT}."


@pytest.mark.parametrize("name", STATE)
def test_a_field_that_is_missing_is_named(name: str) -> None:
    """Each field is needed; the others are listed, not printed."""
    state = {key: value for key, value in STATE.items() if key != name}
    with pytest.raises(SettingError) as caught:
        Position.from_state(state, BELONGS, 100)
    assert str(caught.value) == f"state must have the field {name!r}, got {list(state)!r}; {WAY_OUT}."


def test_what_is_no_dictionary_is_refused() -> None:
    """Such as the name of a file."""
    wrong: Any = "state.json"
    with pytest.raises(SettingError) as caught:
        Position.from_state(wrong, BELONGS, 100)
    assert str(caught.value) == f"state must be a dictionary, got 'state.json'; {WAY_OUT}."
