"""A cloze test for an LSTM: which of six words was taken out of a sentence? Batches of like length.

The text is Python's own documentation (data/python_docs.txt, PSF licence): one of "of", "to", "in", "for",
"is", "and" in each sentence is hidden. Modules are kept apart, so that test sentences come from modules that
training never saw, and the vocabulary is made of the training part alone. A bag of words, the same
tokens without their order, is the baseline. Needs PyTorch.
"""

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

import rightbatch as rb

TEXT = Path(__file__).with_name("data") / "python_docs.txt"
HIDDEN = ["of", "to", "in", "for", "is", "and"]
GAP = "<gap>"
BATCH_SIZE, EPOCHS, LR = 32, 10, 3e-3


class Part(NamedTuple):
    """Sentences as lists of words with one gap, and which of `HIDDEN` belongs there."""

    sentences: list[list[str]]
    labels: NDArray[np.int64]


def parts(seed: int) -> dict[str, Part]:
    """70 % of the modules train, 15 % validate, 15 % test; in each sentence one word is hidden."""
    lines = [line.split("\t") for line in TEXT.read_text("utf-8").splitlines() if not line.startswith("#")]
    draw = np.random.default_rng(seed)
    modules = draw.permutation(sorted({module for module, _ in lines}))
    cuts = (np.array([0.7, 0.85]) * len(modules)).astype(int)
    names = ["train", "validation", "test"]
    part_of = {module: names[np.searchsorted(cuts, i, "right")] for i, module in enumerate(modules)}
    found: dict[str, tuple[list[list[str]], list[int]]] = {name: ([], []) for name in names}
    for module, sentence in lines:
        words = re.findall(r"[a-z]+|[0-9]+|[^a-z0-9\s]", sentence.lower())
        places = [place for place, word in enumerate(words) if word in HIDDEN]
        if places:
            place = draw.choice(places)
            sentences, labels = found[part_of[module]]
            sentences.append([*words[:place], GAP, *words[place + 1 :]])
            labels.append(HIDDEN.index(words[place]))
    return {name: Part(sentences, np.array(labels)) for name, (sentences, labels) in found.items()}


class Vocabulary:
    """A number for each word that occurs at least three times in training, from 3 on.

    0 is padding, 1 the gap, 2 any other word.
    """

    def __init__(self, sentences: list[list[str]]) -> None:
        counts = Counter(word for sentence in sentences for word in sentence if word != GAP)
        words = [word for word, count in counts.most_common() if count >= 3]
        self._numbers = {GAP: 1} | {word: number for number, word in enumerate(words, start=3)}

    def __len__(self) -> int:
        return len(self._numbers) + 2

    def encode(self, sentences: list[list[str]]) -> Any:
        """The sentences as rows of numbers that differ in length."""
        return rb.Ragged([[self._numbers.get(word, 2) for word in sentence] for sentence in sentences])


class LSTM(nn.Module):
    """Reads a sentence in both directions; the answer is read off at the gap."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, 32, padding_idx=0)
        self.read = nn.LSTM(32, 32, batch_first=True, bidirectional=True)
        self.answer = nn.Linear(2 * 32, len(HIDDEN))
        self.drop = nn.Dropout(0.3)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Scores of the six words, `(rows, 6)`, of sentences `(rows, longest)`."""
        packed = nn.utils.rnn.pack_padded_sequence(
            self.drop(self.embed(words)), lengths, batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(self.read(packed)[0], batch_first=True)
        scores: Tensor = self.answer(self.drop(states[words == 1]))
        return scores


def training(
    train: tuple[Any, Any], words: int, *, batch_size: int, lr: float, seed: int
) -> Iterator[tuple[LSTM, int]]:
    """The network after each update, and the sentences seen, for ever."""
    torch.manual_seed(seed)
    net = LSTM(words)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr)
    order = rb.ByLength(train[0].lengths, seed=seed)
    loader, seen = rb.Loader(train, batch_size, order=order), 0
    while True:
        for sentences, labels in loader:
            optimizer.zero_grad()
            loss_of(net, sentences, labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            seen += len(labels)
            yield net, seen


def loss_of(net: LSTM, sentences: Any, labels: Any) -> Tensor:
    """Mean cross-entropy of a padded batch."""
    scores = net(torch.from_numpy(sentences.values), torch.from_numpy(sentences.lengths))
    return nn.functional.cross_entropy(scores, torch.from_numpy(labels))


def evaluated(net: LSTM, part: tuple[Any, Any], every: int = 1) -> dict[str, float]:
    """Mean loss and accuracy on a part, or on every so manieth of its sentences."""
    rows = np.arange(0, len(part[1]), every)
    sentences, labels = part[0].take(rows), part[1][rows]
    net.eval()
    with torch.no_grad():
        scores = net(torch.from_numpy(sentences.values), torch.from_numpy(sentences.lengths))
        loss = nn.functional.cross_entropy(scores, torch.from_numpy(labels)).item()
    net.train()
    return {"loss": loss, "accuracy": float((scores.argmax(dim=1).numpy() == labels).mean())}


def bag_of_words(sentences: Any, words: int) -> sparse.csr_array:
    """How often each word of the vocabulary is in each sentence."""
    ones, ends = np.ones(len(sentences.values)), np.append(0, np.cumsum(sentences.lengths))
    return sparse.csr_array((ones, sentences.values, ends), shape=(len(sentences), words))


def baseline(data: dict[str, tuple[Any, Any]], words: int) -> float:
    """Test accuracy of logistic regression on the bags, its penalty chosen on the validation part."""
    bags = {name: (bag_of_words(sentences, words), labels) for name, (sentences, labels) in data.items()}
    models = [LogisticRegression(C=c, max_iter=1000).fit(*bags["train"]) for c in (0.03, 0.1, 0.3, 1.0)]
    best = max(models, key=lambda model: model.score(*bags["validation"]))
    return float(best.score(*bags["test"]))


def padding(loader: Any) -> float:
    """Share of an epoch's padded values that are padding."""
    masks = [sentences.mask for sentences, _ in loader]
    return float(1 - sum(mask.sum() for mask in masks) / sum(mask.size for mask in masks))


def main(seed: int) -> None:
    """Train, compare with the baseline, and ask which batch size would have been best."""
    torch.set_num_threads(1)
    text = parts(seed)
    vocabulary = Vocabulary(text["train"].sentences)
    words = len(vocabulary)
    data = {name: (vocabulary.encode(part.sentences), part.labels) for name, part in text.items()}
    train = data["train"]
    print(
        ", ".join(f"{name} {len(labels)}" for name, (_, labels) in data.items()), f"sentences; {words} words"
    )

    shuffled = padding(rb.Loader(train, BATCH_SIZE, shuffle=True, seed=seed))
    bucketed = padding(rb.Loader(train, BATCH_SIZE, order=rb.ByLength(train[0].lengths, seed=seed)))
    print(f"Share of padding: {shuffled:.1%} in shuffled batches, {bucketed:.1%} in batches of like length")

    for net, seen in training(train, words, batch_size=BATCH_SIZE, lr=LR, seed=seed):
        if seen % len(train[1]) == 0:
            epoch, found = seen // len(train[1]), evaluated(net, data["validation"])
            print(f"epoch {epoch:2d}  val_loss {found['loss']:.3f}  val_accuracy {found['accuracy']:.3f}")
            if epoch == EPOCHS:
                break
    accuracy, bag = evaluated(net, data["test"])["accuracy"], baseline(data, words)
    print(f"Accuracy on the test part: LSTM {accuracy:.3f}, bag of words {bag:.3f}, guessing {1 / 6:.3f}")

    def steps(batch_size: int, lr: float, seed: int) -> Iterator[tuple[int, float, float]]:
        """What the study asks for: examples seen, seconds spent, and the metric, on a part of validation."""
        spent, started, evaluated_at = 0.0, time.perf_counter(), 0
        for net, seen in training(train, words, batch_size=batch_size, lr=lr, seed=seed):
            if seen - evaluated_at >= 256:
                spent += time.perf_counter() - started
                yield seen, spent, evaluated(net, data["validation"], every=5)["loss"]
                evaluated_at, started = seen, time.perf_counter()

    study = rb.study(
        steps,
        samples=len(train[1]),
        target="val_loss<=1.6",
        learning_rates=(4e-3, 3e-2),
        batch_sizes=[8, 32, 128],
        seeds=2,
        tolerance=0.3,
        complete=False,
        budget="20s",
        seed=seed,
    )
    assert study.recommendation is not None
    print(study.recommendation.sentence)

    assert accuracy >= 0.55
    assert accuracy >= bag + 0.1
    figures = {"accuracy": accuracy, "bag_of_words": bag, "padding": [shuffled, bucketed]}
    print(json.dumps(figures | {"batch_size": study.recommendation.batch_size}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
