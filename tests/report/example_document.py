"""A study's document as the contract has it, with numbers a real study of digits might give."""

from typing import Any

N = 1257
SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, N]
S_MIN, B_CRIT = 22.1, 27.0
A, B = 2.1e-05, 5.5e-07
WOBBLE = [1.02, 0.97, 1.01, 0.98, 0.925, 1.0, 1.03, 0.98, 1.04, 0.97, 1.01, 1.02]
"""How far each measured S(B) lies from the fit."""
RATES = [0.02, 0.035, 0.06, 0.12, 0.2, 0.35, 0.5, 0.5, 0.7, 0.7, 0.7, 0.7]


def example() -> dict[str, Any]:
    """Digits with an MLP: batch size 32 is recommended, 16 is within 5 % of it."""
    return {
        "schema": 1,
        "version": "0.1.0",
        "data": {
            "name": "digits",
            "task": "classification",
            "label": "digit",
            "train": N,
            "validation": 270,
            "test": 270,
            "features": 61,
            "outputs": 10,
            "fingerprint": "5f0c2a9be1d34786",
            "notes": [
                "1,797 rows, 64 columns of numbers; the label is digit (10 classes).",
                "3 constant columns were left out; the others are standardised.",
                "Split 70 / 15 / 15 % into training, validation and test, each class in proportion.",
            ],
        },
        "settings": {
            "model": "MLP(hidden=(64,))",
            "optimizer": "SGD()",
            "seeds": 5,
            "seed": 0,
            "batch_sizes": list(SIZES),
            "prefer": "fastest",
            "memory_limit_bytes": None,
            "budget_seconds": 60.0,
            "threads": 2,
        },
        "target": {
            "metric": "val_loss",
            "value": 0.3,
            "text": "val_loss<=0.3",
            "how": "set from a pilot: batch size 32 came to 0.27 in 20 epochs, and 10 % are left as room.",
        },
        "doubts": [],
        "generalisation": _generalisation(),
        "noise_scale": {
            "value": 37.4,
            "low": 32.0,
            "high": 43.9,
            "batch_size": 32,
            "cost": 0.5,
            "quarters": [
                {"step": 10, "value": 17.4, "low": 16.1, "high": 19.0},
                {"step": 20, "value": 30.2, "low": 27.5, "high": 33.4},
                {"step": 30, "value": None, "low": None, "high": None},
                {"step": 41, "value": 52.7, "low": 41.3, "high": None},
            ],
        },
        "cliff": None,
        "learning_rate_law": {
            "exponent": 0.9,
            "exponent_interval": [0.6, 1.0],
            "batch_sizes": [_by_law(size) for size in SIZES],
        },
        "largest_that_fits": {"batch_size": N, "memory_bytes": 1_200_000 + 900 * N},
        "recommendation": {
            "estimate": False,
            "learning_rate_range": [0.25, 0.5],
            "accumulation": None,
            "break_even": None,
            "batch_size": 32,
            "learning_rate": 0.35,
            "interval": [16, 64],
            "within_5_percent": [16, 32],
            "seconds_to_target": 0.00157,
            "sentence": "Train with batch size 32 and learning rate 0.35.",
            "reasons": [
                "Batch size 32 reaches the target in 1.57 ms, the least of the 12 batch sizes tried.",
                "It is close to the critical batch size, 27: a larger batch saves few steps.",
                "Batch size 16 takes 4.4 % longer and half the examples per step.",
            ],
            "would_change_if": [
                "Batch size 64 would win if its step took under 1.25 times that of 32 (now 1.46 times).",
                "A harder target moves it up: the critical batch size grows as the loss falls.",
            ],
        },
        "fit": {
            "s_min": S_MIN,
            "b_crit": B_CRIT,
            "e_min": 597.0,
            "interval": {"s_min": [20.1, 24.0], "b_crit": [24.0, 31.0]},
            "rms_log_residual": 0.03,
            "lack_of_fit": None,
        },
        "step_time": {
            "a": A,
            "b": B,
            "rms_log_residual": 0.1,
            "form": "affine",
            "held_out_error": 0.021,
            "curve": None,
            "drift": None,
            "timed_anew": None,
            "points": [
                {
                    "batch_size": size,
                    "seconds": [_rounded(_step(size) * wobble) for wobble in (0.98, 1.0, 1.09)],
                }
                for size in SIZES
            ],
        },
        "batch_sizes": [_row(position) for position in range(len(SIZES))],
        "curves": [_curve(position) for position in range(len(SIZES))],
        "stopped": "every planned run is done",
        "cost": {"seconds": 21.3, "runs": 512, "samples": 4_100_000},
        "machine": {
            "cpu": "Intel(R) Xeon(R) Processor @ 2.60GHz",
            "cores": 2,
            "threads": 2,
            "platform": "Linux-6.1-x86_64",
            "python": "3.11.7",
            "numpy": "2.4.6",
        },
    }


def with_missed() -> dict[str, Any]:
    """The same, where the two largest batch sizes never reached the target."""
    document = example()
    for row in document["batch_sizes"][-2:]:
        _miss(row, "never reached: out of steps at every learning rate")
    return document


def with_seldom() -> dict[str, Any]:
    """The same, where 64 is the fastest, but two of its five runs missed the target."""
    document = example()
    row = document["batch_sizes"][SIZES.index(64)]
    row.update(seconds_to_target=0.001, seconds_interval=[0.0009, 0.0011], seeds_reached=3, seeds_missed=2)
    row.update(misses_too_often=True, note="2 of 5 runs missed the target with the best learning rate")
    return document


def nothing_reached() -> dict[str, Any]:
    """The same, where no batch size reached the target and the budget was spent."""
    document = example()
    for row in document["batch_sizes"]:
        _miss(row, "never reached: diverged at every learning rate")
    document["recommendation"] = document["fit"] = None
    document["generalisation"] = document["learning_rate_law"] = None
    document["stopped"] = "the budget of 60 s was spent; write a larger budget such as 120s"
    return document


def quick() -> dict[str, Any]:
    """The same by a quick answer: batch size 64 is recommended, and 32 alone was run."""
    document = example()
    for row in document["batch_sizes"]:
        if row["batch_size"] != 32:
            row["foretold_steps"] = row["steps_to_target"]
            _miss(row, "")
            row.update(runs=0, learning_rate=None, final_metric=None, learning_rates=[])
    document["fit"] = document["generalisation"] = document["learning_rate_law"] = None
    document["curves"] = document["curves"][5:6]
    document["recommendation"].update(
        estimate=True,
        batch_size=64,
        learning_rate_range=None,
        sentence="An estimate: train with batch size 64 and learning rate 0.5.",
    )
    return document


def with_cliff() -> dict[str, Any]:
    """The same, where most runs of the largest batch sizes missed the target."""
    document = with_missed()
    document["cliff"] = {"at": 700.0, "low": 512.0, "high": None}
    return document


def bare() -> dict[str, Any]:
    """The same, with every number that may be unknown left unknown."""
    document = example()
    for row in document["batch_sizes"]:
        for name in (
            "memory_bytes",
            "seconds_per_epoch",
            "steps_interval",
            "seconds_interval",
            "final_metric",
        ):
            row[name] = None
    for name in ("fit", "generalisation", "noise_scale", "learning_rate_law", "largest_that_fits"):
        document[name] = None
    document["step_time"]["held_out_error"] = None
    document["curves"] = []
    document["recommendation"]["interval"] = None
    document["settings"]["budget_seconds"] = None
    document["step_time"].update(a=None, b=None, rms_log_residual=None)
    document["target"]["how"] = ""
    return document


def _by_law(size: int) -> dict[str, float]:
    middle = 0.75 / (1 + 25 / size) ** 0.9
    return {"batch_size": size, "learning_rate": middle, "low": middle / 1.5, "high": middle * 1.5}


def _generalisation() -> dict[str, Any]:
    """Against 32: 16 is the same at the target, 1 differs, and of 1257 nothing is known."""
    known = {1: (0.02, "differs"), 16: (0.001, "same within margin"), N: (0.0, "not enough runs")}
    rows = [
        {
            "batch_size": size,
            **{
                when: {
                    "gap": 0.05 + known.get(size, (0.0, ""))[0],
                    "difference": known.get(size, (0.0, ""))[0],
                    "interval": None if size == 32 else [known[size][0] - 0.008, known[size][0] + 0.008],
                    "verdict": known.get(size, (0.0, ""))[1],
                }
                for when in ("at_target", "at_examples")
            },
        }
        for size in (1, 16, 32, N)
    ]
    said = "the gap is that of batch size 32 at 16; it differs from that of 32 by +0.02 at 1."
    return {
        "against": 32,
        "margin": 0.015,
        "batch_sizes": rows,
        "sentence": f"At the target, within 0.015: {said}",
        "sentence_at_examples": f"After as many examples, within 0.015: {said}",
    }


def _step(size: int) -> float:
    return A + B * size


def _steps(position: int) -> float:
    return S_MIN * (1 + B_CRIT / SIZES[position]) * WOBBLE[position]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _row(position: int) -> dict[str, Any]:
    size, steps = SIZES[position], _steps(position)
    return {
        "batch_size": size,
        "method": {1: "stochastic", N: "full batch"}.get(size, "mini-batch"),
        "learning_rate": RATES[position],
        "seconds_per_step": _rounded(_step(size)),
        "seconds_per_epoch": _rounded(_step(size) * -(-N // size)),
        "memory_bytes": 1_200_000 + 900 * size,
        "steps_to_target": _rounded(steps),
        "steps_interval": [_rounded(steps * 0.92), _rounded(steps * 1.08)],
        "examples_to_target": _rounded(steps * size),
        "seconds_to_target": _rounded(steps * _step(size)),
        "seconds_interval": [_rounded(steps * _step(size) * 0.91), _rounded(steps * _step(size) * 1.1)],
        "final_metric": _rounded(0.29 + 0.001 * position),
        "reached": True,
        "foretold_steps": None,
        "runs": 45,
        "seeds_reached": 5,
        "seeds_missed": 0,
        "misses_too_often": False,
        "note": "",
        "learning_rates": [_rate(position, power) for power in range(-3, 4)],
    }


def _rate(position: int, power: int) -> dict[str, Any]:
    outcome = {3: "diverged", 2: "hopeless", -3: "out of steps"}.get(power, "reached")
    reached = 5 if outcome == "reached" else 0
    return {
        "learning_rate": _rounded(RATES[position] * 2.0**power),
        "steps_to_target": _rounded(_steps(position) * (1 + 0.45 * abs(power))) if reached else None,
        "reached": reached,
        "runs": 5,
        "outcome": outcome,
    }


def _curve(position: int) -> dict[str, Any]:
    examples = SIZES[position] * _steps(position)
    parts = [part / 20 for part in range(1, 21)]
    return {
        "batch_size": SIZES[position],
        "seed": 0,
        "learning_rate": RATES[position],
        "samples": [
            max(SIZES[position], round(examples * part / SIZES[position]) * SIZES[position]) for part in parts
        ],
        "metric": [_rounded(0.29 + 2.0 * (1 - part) ** 2.5) for part in parts],
    }


def _miss(row: dict[str, Any], note: str) -> None:
    row.update(reached=False, note=note, seeds_reached=0, seeds_missed=0, final_metric=0.61)
    for name in (
        "steps_to_target",
        "steps_interval",
        "examples_to_target",
        "seconds_to_target",
        "seconds_interval",
    ):
        row[name] = None
    for rate in row["learning_rates"]:
        rate.update(steps_to_target=None, reached=0, outcome="out of steps")
