"""Digits with one mean and deviation for all pixels, and with each pixel's own: two different problems.

    python bench/pixel_scaling.py

MLP 64 hidden units, SGD, val_loss 0.2, 5 seeds; the built-in digits, and the same arrays as a plain table.
"""

from sklearn.datasets import load_digits

from rightbatch.answer import study
from rightbatch.data.dataset import load_data


def main() -> None:
    """Print one line a split and scaling."""
    x, y = load_digits(return_X_y=True)
    for split in (0, 1, 2):
        for name, data in (("together", "digits"), ("one by one", (x, y))):
            prepared = load_data(data, task="classification", seed=split)
            fit = study("mlp", prepared, target="val_loss=0.2", seed=split, budget="5m").fit
            if fit is None:
                print(f"split {split}  pixels {name:10}  too few batch sizes reached the target")
                continue
            low, high = fit.interval["b_crit"] or (None, None)
            print(
                f"split {split}  pixels {name:10}  S_min {fit.s_min:5.1f}  B_crit {fit.b_crit:5.1f} "
                f"[{low or 0:.0f}, {high or float('inf'):.0f}]  off the curve {fit.rms_log_residual:.0%}"
            )


if __name__ == "__main__":
    main()
