"""The gradient noise scale against closed forms: bias, coverage, sign once settled, and what it costs.

    python bench/noise_scale.py [--repeats 4000] [--only point run ...]

Goals: bias under 1 % and coverage 93 to 97 % at 160 examples or more; the right sign and size once SGD has
settled; at most 5 % of the time of a training by micro-batches.
"""

import argparse
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from rightbatch.data.dataset import load_data
from rightbatch.data.loader import Loader
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD
from rightbatch.measure import curvature
from rightbatch.measure.curvature import curved_from_parts, hessian_products
from rightbatch.measure.moments import Moments, from_examples, from_parts
from rightbatch.measure.noise import NoiseSums, NoiseTracker, noise_of_examples, noise_of_parts
from rightbatch.records import Batch, Shape, StepEvent, StepResult
from rightbatch.stats.noise import NoiseScale, noise_scale
from rightbatch.train.loop import endless, train

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from measure.noise_problems import OTHERS, Descent, Regression, printed

PROBLEMS = {
    "printed, d=20": printed(),
    "noise 3, d=20": printed(sigma=3.0),
    **OTHERS,
    "1/√i, d=100": Regression(h=np.arange(1, 101) ** -0.5, delta=np.full(100, 0.5), sigma=1.0),
}
CHUNK = 4e6
"""Numbers of a chunk of repeats, to stay within memory."""

NO_RESULT = StepResult(np.empty(0))


def always(step: int) -> bool:
    """Measure after every step."""
    return step > 0


def scale_of(sums: NoiseSums, **settings: Any) -> NoiseScale:
    """The noise scale of sums."""
    return noise_scale(sums.means, sums.mean_deviations, degrees=sums.degrees, **settings)


def joined(parts: list[NoiseScale]) -> NoiseScale:
    """All repeats of several chunks."""
    names = ("value", "lower", "upper", "trace", "square")
    return NoiseScale(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def report(name: str, scale: NoiseScale, trace: Any, square: Any) -> None:
    """One line: bias of the halves and of the scale where it has an upper end, coverage, misses."""
    truth = np.broadcast_to(trace / square, scale.value.shape)
    closed = np.isfinite(scale.upper)
    low, high = scale.lower > truth * (1 + 1e-9), scale.upper < truth * (1 - 1e-9)  # exact is covered
    value = scale.value[closed] / truth[closed]
    bias = (
        f"{value.mean() - 1:+7.2%} ±{value.std() / math.sqrt(len(value)):5.2%}"
        if len(value) > 50
        else " " * 15
    )
    print(
        f"{name:34} {np.mean(truth):8.1f} {(scale.trace / trace).mean() - 1:+7.2%} "
        f"{(scale.square / square).mean() - 1:+7.2%} {bias} {1 - (low | high).mean():7.1%} "
        f"{low.mean():6.1%} {high.mean():6.1%} {1 - closed.mean():8.1%}"
    )


def head(title: str) -> None:
    """The names of the columns of `report`."""
    print(f"\n{title}")
    print(
        f"{'':34} {'truth':>8} {'trace':>7} {'|G|²':>7} {'scale, where closed':>15} {'covers':>3} "
        f"{'above':>6} {'below':>6} {'at least':>8}"
    )


def repeated(
    measure: Callable[[Any, Any, Batch], NoiseSums], problem: Regression, rows: int, repeats: int
) -> NoiseScale:
    """The scale of many independent batches of rows at one point."""
    size = max(1, int(CHUNK / rows / len(problem.h)))
    found = []
    for start in range(0, repeats, size):
        count = min(size, repeats - start)
        batch = problem.batch(np.random.default_rng([rows, start]), rows, count)
        found.append(scale_of(measure(problem, problem.start(count), batch)))
    return joined(found)


def at_one_point(repeats: int) -> None:
    """Every example's gradient at one point, and 40 micro-batches at one point."""
    head(f"One point, every example's gradient, 40 groups, {repeats} repeats")
    for name, problem in PROBLEMS.items():
        for rows in (40, 160, 640, 2560):
            scale = repeated(noise_of_examples, problem, rows, repeats if rows < 2000 else repeats // 2)
            report(f"{name}, n={rows}", scale, problem.trace, problem.square)
    head(f"One point, 40 micro-batches, {repeats} repeats")
    for name, problem in PROBLEMS.items():
        for rows in (160, 640):
            scale = repeated(noise_of_parts, problem, rows, repeats)
            report(f"{name}, 40 x {rows // 40}", scale, problem.trace, problem.square)


def over_a_run(repeats: int) -> None:
    """Tracked over SGD, against the averages of tr(Σ) and |G|² along each run's own path."""
    head(f"Over runs of SGD (B=16, lr 0.1), {repeats} runs")
    problem = printed()
    for measurements, parts, rows in ((10, 2, 64), (40, 2, 64), (40, 4, 16), (160, 2, 64), (160, 2, 16)):
        rng = np.random.default_rng(measurements + parts + rows)
        truth = np.zeros((2, repeats))

        def measure(state: Any, batch: Batch, parts: int = parts, truth: Any = truth) -> Moments:
            gradient = problem.h * state
            error = (problem.h * state**2).sum(axis=1) + problem.sigma**2
            square = (gradient**2).sum(axis=1)
            truth += np.stack([square + error * problem.h.sum(), square]) * len(batch.index)
            return from_parts(problem, state, batch, parts=parts)

        tracker = NoiseTracker(
            measure,
            (problem.batch(rng, rows, repeats) for _ in itertools.count()),
            when=always,
            replicas=repeats,
        )
        for _ in itertools.islice(tracker.follow(descent(problem, repeats, rng)), measurements):
            pass
        trace, square = truth / (2 * rows * measurements)
        report(f"{measurements} times {parts} parts of {rows} rows", scale_of(tracker.sums), trace, square)


def descent(problem: Regression, replicas: int, rng: np.random.Generator) -> Iterator[StepEvent]:
    """SGD from Δ = 1; the steps between two measurements are 5."""
    state = problem.start(replicas)
    for step in itertools.count(1):
        for _ in range(5):
            batch = problem.batch(rng, 16, replicas)
            state = state - 0.1 * problem.gradient(state, batch)
        yield StepEvent(state, NO_RESULT, batch, step, 16 * step, NO_RESULT.loss)


def settled(repeats: int) -> None:
    """Once SGD has settled: ours, and two estimators of consecutive gradients (reference 4.9)."""
    print("\nSettled SGD on ½|θ|², d=50, B=16: B_simple")
    print(f"{'lr':>5} {'truth':>7} {'ours':>30} {'g·next':>8} {'K=10 steps':>10}")
    for alpha in (0.01, 0.03, 0.1, 0.2):
        problem, large, rng = Descent(50, 16, alpha), Descent(50, 640, alpha), np.random.default_rng(1)
        tracker = NoiseTracker(
            partial(from_parts, problem, parts=4),
            (large.batch(rng, 100) for _ in itertools.count()),
            when=always,
            replicas=100,
        )
        states = (problem.settled(rng, 100) for _ in itertools.count())
        batch = large.batch(rng, 1)
        events = (
            StepEvent(state, NO_RESULT, batch, step, 0, NO_RESULT.loss) for step, state in enumerate(states)
        )
        for _ in itertools.islice(tracker.follow(events), 40):
            pass
        sums = tracker.sums
        ours = noise_scale(
            sums.means.mean(axis=1, keepdims=True), sums.mean_deviations.mean(axis=2, keepdims=True)
        )
        follow, steps = consecutive(problem, rng, repeats)
        print(f"{alpha:5} {problem.b_simple:7.0f} {ours.words():>30} {follow:8.0f} {steps:10.0f}")


def consecutive(problem: Descent, rng: np.random.Generator, repeats: int) -> tuple[float, float]:
    """B_simple from g_t · g_(t+1) (as AdaptDL), and from 10 steps taken as micro-batches (as GPT-NeoX)."""
    theta, gradients = problem.settled(rng, 4 * repeats), []
    for _ in range(40):
        gradients.append(theta + rng.standard_normal(theta.shape) / math.sqrt(problem.batch_size))
        theta = theta - problem.alpha * gradients[-1]
    square = np.mean([np.vecdot(a, b).mean() for a, b in itertools.pairwise(gradients)])
    small = np.mean([np.vecdot(g, g).mean() for g in gradients[9::10]])
    means = [np.mean(gradients[start : start + 10], axis=0) for start in range(0, 40, 10)]
    large = np.mean([np.vecdot(mean, mean).mean() for mean in means])
    trace = (small - large) / (1 / 16 - 1 / 160)
    return 16 * (small - square) / square, trace / ((160 * large - 16 * small) / 144)


def of_a_training_set(repeats: int) -> None:
    """Rows drawn without replacement from 400: the scale of the 400 (reference 4.7)."""
    head(f"Rows without replacement from a training set of 400, {repeats} repeats: the scale of the 400")
    problem, rng = printed(), np.random.default_rng(3)
    table = rng.standard_normal((400, 20)) * np.sqrt(problem.h)
    noise = rng.standard_normal(400)
    gradients = table * (table @ problem.delta - noise)[:, None]
    mean = gradients.mean(axis=0)
    trace, square = gradients.var(axis=0, ddof=1).sum(), mean @ mean
    for rows in (40, 160, 300, 400):
        chosen = np.argsort(rng.random((repeats, 400)), axis=1)[:, :rows].T
        batch = Batch((table[chosen], noise[chosen]), np.arange(rows), None, epoch=0, step=0)
        sums = noise_of_examples(problem, problem.start(repeats), batch)
        report(f"n={rows}, as a population", scale_of(sums), trace, square)
        report(f"n={rows}, data_rows=400", scale_of(sums, data_rows=400, rows_each=rows), trace, square)


def curved(repeats: int) -> None:
    """B_noise from 40 measurements at one point, each of two batches."""
    head(f"B_noise at one point, 40 measurements of 2 batches in 3 parts, {repeats // 4} repeats")
    for name, problem in PROBLEMS.items():
        square = float((problem.h**3 * problem.delta**2).sum())
        for rows in (24, 96):
            size = max(1, int(CHUNK / rows / len(problem.h)))
            found = []
            for start in range(0, repeats // 4, size):
                count, rng = min(size, repeats // 4 - start), np.random.default_rng(start)
                tracker = NoiseTracker(
                    partial(curved_from_parts, problem),
                    (problem.batch(rng, rows, count) for _ in itertools.count()),
                    when=always,
                    replicas=count,
                )
                batch, state = problem.batch(rng, 1, 1), problem.start(count)
                events = (StepEvent(state, NO_RESULT, batch, i, i, NO_RESULT.loss) for i in range(40))
                for _ in tracker.follow(events):
                    pass
                found.append(scale_of(tracker.sums))
            report(f"{name}, 40 x 2 x {rows}", joined(found), square * problem.b_noise, square)


def cost(repeats: int) -> None:
    """Seconds of measuring over seconds of training, measured every 250 steps: digits, MLP 64-64-10."""
    del repeats
    x, y = load_data("digits").train
    learner = MLP(hidden=(64,)).build(Shape(features=64, outputs=10, task="classification"), SGD())
    ways: dict[str, Any] = {
        "2 parts": partial(from_parts, learner),
        "4 parts": partial(from_parts, learner, parts=4),
        "examples": partial(from_examples, learner),
        "curved": partial(curved_from_parts, learner),
    }
    print("\nCost of measuring every 250 steps on a batch of the same size; digits, MLP 64-64-10; goal 5 %")
    print(f"{'replicas':>8} {'B':>5} {'µs a step':>10}" + "".join(f"{name:>10}" for name in ways))
    with threadpool_limits(1):
        for replicas, batch_size in itertools.product((1, 16), (8, 32, 128, 512)):
            trackers = [_followed(learner, (x, y), batch_size, replicas, way) for way in ways.values()]
            step = min(tracker.training_seconds for tracker in trackers) / _steps(batch_size)
            line = "".join(f"{tracker.cost:10.1%}" for tracker in trackers)
            print(f"{replicas:8} {batch_size:5} {step * 1e6:10.0f}{line}")


def _steps(batch_size: int) -> int:
    return 2000 if batch_size > 100 else 5000


def _followed(learner: Any, data: Any, batch_size: int, replicas: int, way: Any) -> NoiseTracker:
    own, batches = (
        endless(Loader(data, batch_size, shuffle=True, seed=seed, last="drop")) for seed in (1, 0)
    )
    tracker = NoiseTracker(way, own, when=lambda step: step % 250 == 0, replicas=replicas)
    lr = np.full(replicas, 0.05, np.float32)
    events = train(learner, learner.start([0] * replicas), batches, lr)
    for _ in itertools.islice(tracker.follow(events), _steps(batch_size)):
        pass
    return tracker


def differences(repeats: int) -> None:
    """How far off v·Hv is, by the reach of a difference, against a far finer one in float64."""
    del repeats
    x, y = load_data("digits").train
    shape = Shape(features=64, outputs=10, task="classification")
    reaches = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
    print("\nHessian-vector products by differences in float32: error of v·Hv, digits, v = gradient")
    print(f"{'':34}" + "".join(f"{reach:>10.0e}" for reach in reaches))
    for activation, steps in itertools.product(("tanh", "relu"), (0, 300)):
        learner = MLP(hidden=(64,), activation=activation).build(shape, SGD())
        batches = endless(Loader((x, y), 32, shuffle=True, seed=0))
        events = train(learner, learner.start([0]), batches, np.array([0.1], np.float32))
        for event in itertools.islice(events, steps + 1):
            state = event.state
        batch = Batch((x[:256], y[:256]), np.arange(256), None, epoch=0, step=0)
        v = learner.gradient(state, batch).astype(np.float64)
        exact = v[0] @ _float64_product(learner.parameters(state), x[:256], y[:256], v[0], activation)
        line = ""
        for reach in reaches:
            curvature.STEP = reach
            (found,) = hessian_products(learner, state, [batch], v)
            line += f"{v[0] @ found[0] / exact - 1:+10.2%}"
        print(f"{f'{activation}, {steps} steps':34}{line}")


def _float64_product(parameters: Any, x: Any, y: Any, v: Any, activation: str) -> Any:
    sizes = [array[0].shape for array in parameters.values()]
    theta = np.concatenate([array[0].ravel() for array in parameters.values()]).astype(np.float64)
    cuts = np.cumsum([math.prod(size) for size in sizes])[:-1]

    def gradient(flat: Any) -> Any:
        w1, b1, w2, b2 = (part.reshape(size) for part, size in zip(np.split(flat, cuts), sizes, strict=True))
        z = x.astype(np.float64) @ w1 + b1
        hidden = np.tanh(z) if activation == "tanh" else np.maximum(z, 0)
        odds = np.exp(hidden @ w2 + b2)
        slope = odds / odds.sum(axis=1, keepdims=True)
        slope[np.arange(len(y)), y] -= 1
        slope /= len(y)
        back = slope @ w2.T * (1 - hidden**2 if activation == "tanh" else z > 0)
        return np.concatenate(
            [part.ravel() for part in (x.T @ back, back.sum(0), hidden.T @ slope, slope.sum(0))]
        )

    reach = 1e-7 * np.linalg.norm(theta) / np.linalg.norm(v)
    return (gradient(theta + reach * v) - gradient(theta - reach * v)) / (2 * reach)


PARTS: dict[str, Callable[[int], None]] = {
    "point": at_one_point,
    "run": over_a_run,
    "settled": settled,
    "finite": of_a_training_set,
    "curved": curved,
    "cost": cost,
    "differences": differences,
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    settings = parser.parse_args()
    started = time.perf_counter()
    for name in settings.only:
        PARTS[name](settings.repeats)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
