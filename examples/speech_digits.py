"""Spoken digits: WAV files of a speech synthesiser, log-mel features, and a small network for new voices.

espeak-ng (in Debian's packages) says the digits in nine voices, each with two accents and at three speeds;
noise is added at two levels, and the files lie in one folder for each digit. Two voices validate, and
two test, with both accents: training never hears them. Needs PyTorch and
espeak-ng; without espeak-ng it says so and ends.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import rightbatch as rb

Array = NDArray[Any]
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ACCENTS = ["en-us", "en-gb"]
VOICES = ["m1", "m2", "m3", "m4", "m7", "f1", "f2", "f4", "f5"]
SPEEDS = [130, 170, 220]
NOISES = [10, 0]
"""Words a minute; and decibels that the voice is louder than the noise."""
MELS, RATE = 24, 22_050
BATCH_SIZE, EPOCHS, LR = 32, 8, 3e-3


# 1. The files: folder/digit/accent+voice-speed-noise.wav


def speak(folder: Path) -> None:
    """Make every file that is not there yet."""
    for word in WORDS:
        (folder / word).mkdir(parents=True, exist_ok=True)
    names = [f"{accent}+{voice}" for accent in ACCENTS for voice in VOICES]
    wanted = [(word, name, speed) for word in WORDS for name in names for speed in SPEEDS]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: say(folder, *one), wanted))


def say(folder: Path, word: str, voice: str, speed: int) -> None:
    """One word in one voice at one speed, at every noise level; the noise depends on the name alone."""
    paths = [folder / word / f"{voice}-{speed}-{noise}.wav" for noise in NOISES]
    if all(path.exists() for path in paths):
        return
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", word]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    # the header of a stream does not know its length: 44 bytes, then 16-bit samples at 22,050 Hz
    clean = np.frombuffer(spoken[44:], "<i2").astype(np.float64)
    for path, noise in zip(paths, NOISES, strict=True):
        draw = np.random.default_rng(list(path.name.encode() + word.encode()))
        noisy = clean + draw.normal(0, clean.std() * 10 ** (-noise / 20), len(clean))
        write(path, np.clip(noisy, -32768, 32767).astype("<i2"))


def write(path: Path, samples: Array) -> None:
    """A WAV file that is there whole or not at all."""
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    part.replace(path)


def load(folder: Path) -> tuple[list[Array], Array, list[str]]:
    """Every WAV file of a folder of folders: samples in [-1, 1), class numbers, and voices."""
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    sounds, labels, voices = [], [], []
    for path in sorted(folder.glob("*/*.wav")):
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        sounds.append(samples / np.float32(32768))
        labels.append(classes.index(path.parent.name))
        voices.append(path.stem.rsplit("-", 2)[0].partition("+")[2])
    return sounds, np.array(labels), voices


# 2. The features


def log_mel(samples: Array) -> Array:
    """Log energy in 24 bands on the mel scale, 25 ms every 10 ms: float32 `(frames, 24)`, mean 0."""
    size, hop = RATE // 40, RATE // 100
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, 1024)) ** 2
    energy = np.log(power @ FILTERS.T + 1e-6)
    return (energy - energy.mean(axis=0)).astype(np.float32)


def mel_filters() -> Array:
    """Triangles `(24, 513)` that overlap by half, evenly spaced in mel = 2595 log10(1 + f / 700)."""
    mels = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), MELS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    frequency = np.linspace(0, RATE / 2, 513)
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.clip(np.minimum((frequency - low) / (centre - low), (high - frequency) / (high - centre)), 0, 1)


FILTERS = mel_filters()


# 3. The network and its training


class Listener(nn.Module):
    """Convolutions over time, and the strongest answer of each of their units while the word lasts."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(MELS, 48, 5, stride=2, padding=2)
        self.second = nn.Conv1d(48, 64, 5, padding=2)
        self.answer = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * 64, len(WORDS)))

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Scores of the digits, `(rows, 10)`; `mask` is false where a word is over."""
        heard = torch.relu(self.first(frames.transpose(1, 2)))
        heard = torch.relu(self.second(heard))
        while_it_lasts = mask[:, None, ::2]
        most = (heard * while_it_lasts).amax(dim=2)
        mean = (heard * while_it_lasts).sum(dim=2) / while_it_lasts.sum(dim=2)
        scores: Tensor = self.answer(torch.cat([most, mean], dim=1))
        return scores


def training(
    train: tuple[Any, Array], *, batch_size: int, lr: float, seed: int
) -> Iterator[tuple[Listener, int]]:
    """The network after each update, and the words heard, for ever."""
    torch.manual_seed(seed)
    net = Listener()
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr)
    loader, seen = rb.Loader(train, batch_size, order=rb.ByLength(train[0].lengths, seed=seed)), 0
    while True:
        for words, labels in loader:
            scores = net(torch.from_numpy(words.values), torch.from_numpy(words.mask))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(scores, torch.from_numpy(labels))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            seen += len(labels)
            yield net, seen


def accuracy_on(net: Listener, part: tuple[Any, Array]) -> float:
    """Share of the words of a part that are understood."""
    words = part[0].take(np.arange(len(part[0])))
    net.eval()
    with torch.no_grad():
        scores = net(torch.from_numpy(words.values), torch.from_numpy(words.mask))
    net.train()
    return float((scores.argmax(dim=1).numpy() == part[1]).mean())


def main(seed: int, folder: Path) -> None:
    """Make and read the files, train, test on new voices, and ask for the best batch size."""
    if shutil.which("espeak-ng") is None:
        print("Skipped: espeak-ng is not installed (apt-get install espeak-ng).")
        return
    torch.set_num_threads(1)
    speak(folder)
    sounds, labels, voices = load(folder)
    features = [log_mel(sound) for sound in sounds]
    drawn = np.random.default_rng(seed).permutation(VOICES)
    parts = {"train": drawn[4:], "validation": drawn[:2], "test": drawn[2:4]}
    data = {}
    for name, chosen in parts.items():
        (rows,) = np.nonzero(np.isin(voices, chosen))
        data[name] = rb.Ragged([features[row] for row in rows]), labels[rows]
    print(", ".join(f"{name} {len(part[1])}" for name, part in data.items()), f"words in {folder}")
    print("Voices of the test:", ", ".join(parts["test"]))

    for net, seen in training(data["train"], batch_size=BATCH_SIZE, lr=LR, seed=seed):
        epoch, rest = divmod(seen, len(data["train"][1]))
        if rest == 0 and epoch % 4 == 0:
            print(f"epoch {epoch:2d}  val_accuracy {accuracy_on(net, data['validation']):.3f}")
        if epoch == EPOCHS:
            break
    accuracy = accuracy_on(net, data["test"])
    print(f"Accuracy on voices never heard in training: {accuracy:.3f}")

    def steps(batch_size: int, lr: float, seed: int) -> Iterator[tuple[int, float, float]]:
        """What the study asks for: examples seen, seconds spent, and the metric."""
        spent, started, evaluated_at = 0.0, time.perf_counter(), 0
        for net, seen in training(data["train"], batch_size=batch_size, lr=lr, seed=seed):
            if seen - evaluated_at >= 64:
                spent += time.perf_counter() - started
                yield seen, spent, accuracy_on(net, data["validation"])
                evaluated_at, started = seen, time.perf_counter()

    study = rb.study(
        steps,
        samples=len(data["train"][1]),
        target="val_accuracy>=0.8",
        learning_rates=(1e-3, 1e-2),
        batch_sizes=[8, 32, 128],
        seeds=2,
        tolerance=0.2,
        complete=False,
        budget="30s",
        seed=seed,
    )
    assert study.recommendation is not None
    print(study.recommendation.sentence)

    assert accuracy >= 0.9
    print(json.dumps({"accuracy": accuracy, "batch_size": study.recommendation.batch_size}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "rightbatch-spoken-digits"
    )
    arguments = parser.parse_args()
    main(arguments.seed, arguments.cache)
