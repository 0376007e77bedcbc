"""A cloze test for a transformer: which of six words was taken out of a sentence? Batches with masks.

The text is Python's own documentation (data/python_docs.txt, PSF licence): one of "of", "to", "in", "for",
"is", "and" in each sentence is hidden. Modules are kept apart, so that test sentences come from modules that
training never saw. The tokenizer is made of the training part alone: frequent words, and of a rare word its
ending. A bag of the same tokens is the baseline. `text_lstm.py` does the same with an LSTM. Needs PyTorch.
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
BATCH_SIZE, EPOCHS, LR = 32, 7, 3e-3
WIDTH, LAYERS, REACH = 48, 1, 8


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


class Tokenizer:
    """Numbers for words that occur at least three times in training, and for the endings of the others.

    0 is padding, 1 the gap, 2 a word whose last two letters are as unknown as itself.
    """

    def __init__(self, sentences: list[list[str]]) -> None:
        counts = Counter(word for sentence in sentences for word in sentence if word != GAP)
        words = [word for word, count in counts.most_common() if count >= 3]
        endings = Counter(self._ending(word) for word, count in counts.items() if count < 3)
        tokens = [*words, *(ending for ending, count in endings.most_common() if count >= 3)]
        self._numbers = {GAP: 1} | {token: number for number, token in enumerate(tokens, start=3)}

    def __len__(self) -> int:
        return len(self._numbers) + 2

    def encode(self, sentences: list[list[str]]) -> Any:
        """The sentences as rows of numbers that differ in length."""
        return rb.Ragged([[self._number(word) for word in sentence] for sentence in sentences])

    def _number(self, word: str) -> int:
        return self._numbers.get(word, self._numbers.get(self._ending(word), 2))

    @staticmethod
    def _ending(word: str) -> str:
        return f"...{word[-2:]}"


class Transformer(nn.Module):
    """Every word looks at every other; places are counted from the gap, where the answer is read off."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(tokens, WIDTH, padding_idx=0)
        self.place = nn.Embedding(2 * REACH + 1, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, 0.1, batch_first=True, norm_first=True)
        self.read = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.answer = nn.Linear(WIDTH, len(HIDDEN))
        self.drop = nn.Dropout(0.2)
        for table in (self.embed, self.place):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Scores of the six words, `(rows, 6)`; `mask` is false where a sentence is padded."""
        gap = tokens == 1
        places = torch.arange(tokens.shape[1]) - gap.int().argmax(dim=1, keepdim=True)
        known = self.embed(tokens) + self.place(places.clamp(-REACH, REACH) + REACH)
        scores: Tensor = self.answer(self.read(self.drop(known), src_key_padding_mask=~mask)[gap])
        return scores


def training(
    train: tuple[Any, Any], tokens: int, *, batch_size: int, lr: float, seed: int
) -> Iterator[tuple[Transformer, int]]:
    """The network after each update, and the sentences seen, for ever."""
    torch.manual_seed(seed)
    net = Transformer(tokens)
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


def loss_of(net: Transformer, sentences: Any, labels: Any) -> Tensor:
    """Mean cross-entropy of a padded batch."""
    scores = net(torch.from_numpy(sentences.values), torch.from_numpy(sentences.mask))
    return nn.functional.cross_entropy(scores, torch.from_numpy(labels))


def evaluated(net: Transformer, part: tuple[Any, Any], every: int = 1) -> dict[str, float]:
    """Mean loss and accuracy on a part, or on every so manieth of its sentences."""
    rows = np.arange(0, len(part[1]), every)
    sentences, labels = part[0].take(rows), part[1][rows]
    net.eval()
    with torch.no_grad():
        scores = net(torch.from_numpy(sentences.values), torch.from_numpy(sentences.mask))
        loss = nn.functional.cross_entropy(scores, torch.from_numpy(labels)).item()
    net.train()
    return {"loss": loss, "accuracy": float((scores.argmax(dim=1).numpy() == labels).mean())}


def bag_of_words(sentences: Any, tokens: int) -> sparse.csr_array:
    """How often each word of the tokenizer is in each sentence."""
    ones, ends = np.ones(len(sentences.values)), np.append(0, np.cumsum(sentences.lengths))
    return sparse.csr_array((ones, sentences.values, ends), shape=(len(sentences), tokens))


def baseline(data: dict[str, tuple[Any, Any]], tokens: int) -> float:
    """Test accuracy of logistic regression on the bags, its penalty chosen on the validation part."""
    bags = {name: (bag_of_words(sentences, tokens), labels) for name, (sentences, labels) in data.items()}
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
    tokenizer = Tokenizer(text["train"].sentences)
    tokens = len(tokenizer)
    data = {name: (tokenizer.encode(part.sentences), part.labels) for name, part in text.items()}
    train = data["train"]
    print(
        ", ".join(f"{name} {len(labels)}" for name, (_, labels) in data.items()),
        f"sentences; {tokens} tokens",
    )

    shuffled = padding(rb.Loader(train, BATCH_SIZE, shuffle=True, seed=seed))
    bucketed = padding(rb.Loader(train, BATCH_SIZE, order=rb.ByLength(train[0].lengths, seed=seed)))
    print(f"Share of padding: {shuffled:.1%} in shuffled batches, {bucketed:.1%} in batches of like length")

    for net, seen in training(train, tokens, batch_size=BATCH_SIZE, lr=LR, seed=seed):
        if seen % len(train[1]) == 0:
            epoch, found = seen // len(train[1]), evaluated(net, data["validation"])
            print(f"epoch {epoch:2d}  val_loss {found['loss']:.3f}  val_accuracy {found['accuracy']:.3f}")
            if epoch == EPOCHS:
                break
    accuracy, bag = evaluated(net, data["test"])["accuracy"], baseline(data, tokens)
    print(
        f"Accuracy on the test part: Transformer {accuracy:.3f}, bag of words {bag:.3f}, guessing {1 / 6:.3f}"
    )

    def steps(batch_size: int, lr: float, seed: int) -> Iterator[tuple[int, float, float]]:
        """What the study asks for: examples seen, seconds spent, and the metric, on a part of validation."""
        spent, started, evaluated_at = 0.0, time.perf_counter(), 0
        for net, seen in training(train, tokens, batch_size=batch_size, lr=lr, seed=seed):
            if seen - evaluated_at >= 256:
                spent += time.perf_counter() - started
                yield seen, spent, evaluated(net, data["validation"], every=5)["loss"]
                evaluated_at, started = seen, time.perf_counter()

    study = rb.study(
        steps,
        samples=len(train[1]),
        target="val_loss<=1.66",
        learning_rates=(2e-3, 1.6e-2),
        batch_sizes=[8, 32, 128],
        seeds=2,
        tolerance=0.2,
        complete=False,
        budget="20s",
        seed=seed,
    )
    assert study.recommendation is not None
    print(study.recommendation.sentence)

    assert accuracy >= 0.52
    assert accuracy >= bag + 0.1
    figures = {"accuracy": accuracy, "bag_of_words": bag, "padding": [shuffled, bucketed]}
    print(json.dumps(figures | {"batch_size": study.recommendation.batch_size}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
