"""How many rounds a bijection needs: the exact distance of small ones from uniform.

    python bench/rounds.py

The network of `rightbatch.data.bijection` with a truly random round function, over all permutations of
its pairs, seen on the numbers below the size. Printed is the chi-squared distance: times the number of
keys, it is what a chi-squared test over so many keys finds on top of chance.
"""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

ROUNDS = (6, 12, 18, 24)

Numbers = NDArray[np.int64]


def moves(a: int, b: int, number: int) -> Numbers:
    """Where each pair goes in a round, for every round function, shape `(functions, pairs)`."""
    left, right = np.divmod(np.arange(a * b), b)
    if number % 2 == 0:
        steps = np.array(list(itertools.product(range(a), repeat=b)))
        return (left + steps[:, right]) % a * b + right
    steps = np.array(list(itertools.product(range(b), repeat=a)))
    return left * b + (right + steps[:, left]) % b


def walked(permutation: Numbers, size: int) -> int:
    """The permutation of the numbers below the size, as one number."""
    result = 0
    for start in range(size):
        image = permutation[start]
        while image >= size:
            image = permutation[image]
        result = result * size + int(image)
    return result


def distances(size: int) -> dict[int, float]:
    """The chi-squared distance from uniform after some rounds."""
    root = math.isqrt(size - 1) + 1
    a = root + root % 2
    b = -(-size // a)
    every = np.array(list(itertools.permutations(range(a * b))))
    code = every @ (a * b) ** np.arange(a * b)[::-1]
    _, seen = np.unique([walked(permutation, size) for permutation in every], return_inverse=True)
    chance = np.zeros(len(every))
    chance[0] = 1
    found = {}
    for number in range(max(ROUNDS)):
        maps = [
            np.searchsorted(code, move[every] @ (a * b) ** np.arange(a * b)[::-1])
            for move in moves(a, b, number)
        ]
        chance = np.mean([np.bincount(to, chance, len(every)) for to in maps], axis=0)
        if number + 1 in ROUNDS:
            shares = np.bincount(seen, chance)
            found[number + 1] = float(((shares - 1 / len(shares)) ** 2).sum() * len(shares))
    return found


def main() -> None:
    """Print a line a size."""
    print("size " + "".join(f"{rounds:>6} rounds" for rounds in ROUNDS))
    for size in range(2, 7):
        print(f"{size:4} " + "".join(f"{distance:13.1e}" for distance in distances(size).values()))


if __name__ == "__main__":
    main()
