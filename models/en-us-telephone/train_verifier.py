#!/usr/bin/env python3
"""Trains the verifier of short answers.

Debian packages: pocketsphinx-en-us libespeak-ng1 espeak-ng-data libflite1 festival
festvox-kdlpc16k. Python packages: numpy scipy torch.
Usage, from the root of the project, after `cargo build --example speech_evidence`:
`train_verifier.py clips WORK_FOLDER [SHARDS]`, `train_verifier.py fit WORK_FOLDER [EPOCHS]`.

Half of the clips hold a short phrase of the grammars of tests/speech, the others ordinary words, words that sound like
a phrase, pairs and fragments of sentences. The voices that tests/speech judges by are none of these (synthesis.py), and
the words it judges by (tests/speech: WORDS and SENTENCES in voices.rs, ordinary.txt, look_alikes.txt) are left out.
"""

import json
import pathlib
import random
import re
import subprocess
import sys

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from synthesis import ACCENTS, DEVELOPMENT, DEVELOPMENT_VARIANTS, FESTIVAL, FLITE, RATE, VARIANTS, Espeak, Festival, Flite, cropped

HERE = pathlib.Path(__file__).parent
JUDGES = pathlib.Path("tests/speech")
EVIDENCE = pathlib.Path("target/debug/examples/speech_evidence")
DICTIONARY = pathlib.Path("/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict")
FRAMES, MELS, WINDOW, STEP = 128, 24, 200, 80
SHARD = 1000


# Hearing: the same as in src/speech/pocketsphinx.

def level_and_trim(samples):
    def rms(size):
        padded = np.zeros(-(-len(samples) // size) * size)
        padded[:len(samples)] = samples
        counts = np.minimum(size, len(samples) - np.arange(0, len(samples), size))
        return np.sqrt((padded.reshape(-1, size) ** 2).sum(1) / counts)
    gain = min(6000 / max(1.0, rms(800).max()), 64.0)
    samples = np.trunc(np.clip(samples * gain, -32768, 32767))
    frames = rms(160)
    speech = np.nonzero(frames > frames.max() * 0.1)[0]
    first, last = (speech[0], speech[-1]) if len(speech) else (0, 0)
    return samples[max(0, first - 7) * 160:(last + 8) * 160]


def mel_filters():
    """Triangles, evenly spaced on the mel scale from 200 to 3500 Hz, over the 129 bins of a transform of 256."""
    mel = lambda hertz: 1127 * np.log(1 + hertz / 700)
    edges = 700 * (np.exp(np.linspace(mel(200), mel(3500), MELS + 2) / 1127) - 1)
    bins = np.arange(129) * RATE / 256
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rising, falling)).T


FILTERS = mel_filters()
HANN = np.hanning(WINDOW + 1)[:-1]
FLOOR = 1e7


def features(samples):
    """Logarithms of mel energies, scaled to about 0 to 1.5: frames by bands; `None` if it is too long to be judged."""
    count = (len(samples) - WINDOW) // STEP + 1
    if count < 10 or count > FRAMES:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STEP][:count]
    power = np.abs(np.fft.rfft(frames * HANN, 256)) ** 2
    found = np.zeros((FRAMES, MELS), np.float32)
    found[:count] = np.log1p(power @ FILTERS / FLOOR) / 8
    return found


# Speaking.

def mulaw(samples):
    linear = np.clip(np.round(samples), -32635, 32635).astype(int)
    magnitude = np.abs(linear) + 132
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    decoded = (((mantissa << 3) + 132) << exponent) - 132
    return np.where(linear < 0, -decoded, decoded).astype(float)


def telephone(samples, rate, pick, chance):
    """What arrives of a voice: from a longer or shorter throat, a room, a microphone, noise, and the line's coding."""
    stretch = pick.uniform(0.88, 1.14)
    size = next_fast_len(len(samples) + rate // 4, real=True)
    length = max(2, round(size * RATE / rate * stretch))
    spectrum = rfft(samples, size)[:length // 2 + 1]
    spectrum = np.pad(spectrum, (0, length // 2 + 1 - len(spectrum)))
    hertz = np.arange(len(spectrum)) * RATE / length
    low, high, tilt = pick.uniform(100, 350), pick.uniform(3000, 3900), pick.uniform(-4, 4)
    curve = (hertz / low) ** 4 / (1 + (hertz / low) ** 4) / (1 + (hertz / high) ** 12)
    ripple = sum(pick.uniform(-3, 3) * np.cos(np.pi * k * hertz / 4000 + pick.uniform(0, 6)) for k in (2, 3, 5))
    curve *= 10 ** ((tilt * np.log2(np.maximum(hertz, 100) / 1000) + ripple) / 20)
    if pick.random() < 0.3:
        decay = pick.uniform(0.02, 0.08)
        echo = chance.standard_normal(int(RATE * 4 * decay)) * np.exp(-np.arange(int(RATE * 4 * decay)) / RATE / decay)
        echo *= pick.uniform(0.1, 0.6) / np.sqrt((echo ** 2).sum())
        echo[0] = 1
        curve = curve * rfft(echo, length)
    speech = irfft(spectrum * curve, length)[:round(len(samples) * RATE / rate * stretch) + RATE // 8]
    speech = cropped(speech)
    if len(speech) < 600:
        return None
    if pick.random() < 0.25:
        speech = speech[pick.randrange(0, 320):len(speech) - pick.randrange(0, 400)]
    speech *= 3000 / max(1.0, np.sqrt((speech ** 2).mean()))
    line = np.concatenate([np.zeros(2400), speech, np.zeros(4000)])
    kind = pick.choice(["none", "white", "pink"])
    noise = chance.standard_normal(len(line))
    if kind == "pink":
        size = next_fast_len(len(noise), real=True)
        shaped = rfft(noise, size)
        noise = irfft(shaped / np.sqrt(np.maximum(1, np.arange(len(shaped)))), size)[:len(line)]
    ratio = pick.uniform(35, 50) if kind == "none" else pick.uniform(10, 30)
    line += noise * (3000 * 10 ** (-ratio / 20) / noise.std())
    return mulaw(line * 10 ** (pick.choice([0, 0, -12, 6, -6]) / 20))


def pronunciations():
    sounds = {}
    for line in [*DICTIONARY.read_text().splitlines(), *(HERE / "pronunciations.txt").read_text().splitlines()]:
        word, _, phones = line.partition(" ")
        sounds.setdefault(word.partition("(")[0], []).append(tuple(phones.split()))
    return sounds


def judged_words():
    """Words that are kept for judging."""
    voices = (JUDGES / "voices.rs").read_text()
    words = re.findall(r'"([a-z]+)"', voices[voices.index("pub const WORDS"):])
    for name in ("ordinary.txt", "look_alikes.txt"):
        words += (JUDGES / name).read_text().split()
    return set(words)


def edits(left, right):
    row = list(range(len(right) + 1))
    for i, a in enumerate(left):
        diagonal, row[0] = row[0], i + 1
        for j, b in enumerate(right):
            substituted, diagonal = diagonal + (a != b), row[j + 1]
            row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
    return row[-1]


def short_phrases():
    listed = subprocess.run([EVIDENCE, "--tasks"], check=True, stdout=subprocess.PIPE, text=True).stdout
    tasks = [json.loads(line) for line in listed.splitlines()]
    every = {phrase for task in tasks for phrase in task["phrases"]}
    return sorted(phrase for phrase in every if len(phrase.split()) <= 2), every


class Texts:
    """What is said."""

    def __init__(self):
        self.phrases, every = short_phrases()
        sounds, judged = pronunciations(), judged_words()
        self.meant = {sounds_of for phrase in every for sounds_of in sounds.get(phrase, [])}
        vocabulary = set((HERE / "vocabulary.txt").read_text().split())
        free = lambda word: (word.replace("'", "").isalpha() and word not in judged and word not in every
                             and not any(own in self.meant for own in sounds.get(word, [])))
        self.words = sorted(word for word in vocabulary if free(word) and len(word) > 1)
        targets = {(phrase, own) for phrase in every if " " not in phrase for own in sounds.get(phrase, [])}
        alike = {}
        for word, own in sounds.items():
            if len(word) < 3 or not free(word) or len(own[0]) > 8:
                continue
            for phrase, target in targets:
                if any(abs(len(one) - len(target)) <= 1 and edits(one, target) <= 1 for one in own):
                    alike.setdefault(phrase, []).append(word)
        self.alike = {phrase: sorted(set(words)) for phrase, words in alike.items()}
        self.sentences = [words for line in (HERE / "sentences.txt").read_text().splitlines()
                          if (words := [word for word in line.split()])]

    def other(self, pick):
        kind = pick.random()
        if kind < 0.3:
            return pick.choice(self.words)
        if kind < 0.75:
            return pick.choice(self.alike[pick.choice(sorted(self.alike))])
        if kind < 0.9:
            return f"{pick.choice(self.words)} {pick.choice(self.words)}"
        words = pick.choice(self.sentences)
        start = pick.randrange(len(words))
        return " ".join(words[start:start + pick.randint(1, 3)])


def development(text):
    """Every tenth text that is no phrase is kept for choosing marks."""
    return sum(map(ord, text)) % 10 == 0


def clip(texts, espeak, flite, festival, number, dev):
    pick, chance = random.Random(number * 2 + dev), np.random.default_rng(number * 2 + dev)
    if pick.random() < 0.5:
        short = [phrase for phrase in texts.phrases if " " not in phrase]
        text = pick.choice(short if pick.random() < 0.4 else texts.phrases)
        label = texts.phrases.index(text)
    else:
        text, label = texts.other(pick), len(texts.phrases)
        if text in texts.phrases or development(text) != bool(dev):
            return None
    natural = pick.random()
    if not dev and natural < 0.42:
        slowness = round(pick.uniform(0.85, 1.4), 2)
        speaker, name = (flite, pick.choice(FLITE)) if natural < 0.26 else (festival, pick.choice(FESTIVAL))
        rate, samples = speaker.speak(name, text, slowness)
    else:
        accent, variant = pick.choice(DEVELOPMENT) if dev else (pick.choice(ACCENTS), pick.choice(VARIANTS))
        if not dev and variant in DEVELOPMENT_VARIANTS:
            return None
        if label == len(texts.phrases) and espeak.sounds(accent, text) in espeak.phrases(accent, texts.phrases):
            return None
        rate = espeak.rate
        samples = espeak.speak(accent, variant, text, pick.randint(105, 190), pick.randint(25, 75), pick.randint(20, 80))
    if len(samples) < rate / 20:
        return None
    line = telephone(cropped(samples), rate, pick, chance)
    found = None if line is None else features(level_and_trim(line))
    return None if found is None else (np.round(found * 120).clip(0, 255).astype(np.uint8), label, text)


def make_clips(folder, shards):
    folder.mkdir(parents=True, exist_ok=True)
    texts, espeak, flite, festival = Texts(), Espeak(), Flite(), Festival()
    (folder / "phrases.json").write_text(json.dumps(texts.phrases))
    print(len(texts.phrases), "phrases", len(texts.words), "words", sum(map(len, texts.alike.values())), "alike", flush=True)
    for shard in range(shards):
        path = folder / f"shard{shard:03}.npz"
        # The first is for choosing marks.
        if path.exists():
            continue
        made = [one for at in range(2 * SHARD) if (one := clip(texts, espeak, flite, festival, shard * 2 * SHARD + at, int(shard < 1)))]
        np.savez(path, x=np.stack([one[0] for one in made]), y=[one[1] for one in made], text=[one[2] for one in made])
        print(shard, len(made), flush=True)


# Learning.

# Channels out, frames in a kernel, step, distance between a kernel's frames.
LAYERS = [(40, 5, 2, 1), (64, 5, 2, 1), (64, 5, 1, 1), (80, 5, 1, 1), (96, 3, 1, 2)]


def network(classes):
    import torch
    layers, channels = [], MELS
    for out, kernel, step, distance in LAYERS:
        layers += [torch.nn.Conv1d(channels, out, kernel, step, (kernel // 2) * distance, distance, bias=False),
                   torch.nn.BatchNorm1d(out), torch.nn.ReLU()]
        channels = out

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(*layers)
            self.drop = torch.nn.Dropout(0.25)
            self.out = torch.nn.Linear(2 * channels, classes)

        def forward(self, x):
            x = self.layers(x.transpose(1, 2))
            return self.out(self.drop(torch.cat([x.mean(2), x.amax(2)], 1)))

    return Network()


def varied(x, torch):
    """Other beginnings, levels, bands that are lost, noise."""
    x = torch.roll(x, random.randint(-5, 5), 1)
    level = torch.randn(len(x), 1, 1) * 0.03
    x = torch.where(x > 0.05, x + level, x)
    for _ in range(2):
        start = random.randrange(MELS - 2)
        lost = torch.rand(len(x)) < 0.15
        x[lost, :, start:start + random.randint(1, 3)] = 0
    start = random.randrange(FRAMES)
    lost = torch.rand(len(x)) < 0.15
    x[lost, start:start + random.randint(1, 5)] = 0
    return (x + torch.randn_like(x) * 0.02).clamp(min=0)


def read(paths):
    loaded = [np.load(path) for path in paths]
    return (np.concatenate([one["x"] for one in loaded]), np.concatenate([one["y"] for one in loaded]),
            np.concatenate([one["text"] for one in loaded]))


def fit(folder, epochs):
    import torch
    torch.manual_seed(1)
    random.seed(1)
    torch.set_num_threads(1)
    paths = sorted(folder.glob("shard*.npz"))
    phrases = json.loads((folder / "phrases.json").read_text())
    tx, ty, _ = read(paths[:1])
    x, y, _ = read(paths[1:])
    x, y, tx, ty = torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(tx), torch.from_numpy(ty)
    net = network(len(phrases) + 1)
    print(len(x), "clips", sum(p.numel() for p in net.parameters()), "weights", flush=True)
    batch = 128
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    steps = epochs * (len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps, pct_start=0.2)
    for epoch in range(epochs):
        net.train()
        order, total = torch.randperm(len(x)), 0.0
        for at in range(0, len(x) - batch + 1, batch):
            picked = order[at:at + batch]
            loss = torch.nn.functional.cross_entropy(net(varied(x[picked].float() / 120, torch)), y[picked],
                                                     label_smoothing=0.02)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            logits = net(tx.float() / 120)
        p = logits.softmax(1)
        right = (logits.argmax(1) == ty).float()
        spoken = ty < len(phrases)
        odds = torch.logit(p[torch.arange(len(ty)), ty][spoken].double(), eps=1e-9)
        best_other = torch.logit(p[~spoken, :-1].max(1).values.double(), eps=1e-9)
        print(epoch, round(total / (len(x) // batch), 3), "phrases", round(float(right[spoken].mean()), 3), "others",
              round(float(right[~spoken].mean()), 3), "quantiles of phrases",
              [round(v, 1) for v in odds.quantile(torch.tensor([0.01, 0.02, 0.05, 0.1]).double()).tolist()], "of others",
              [round(v, 1) for v in best_other.quantile(torch.tensor([0.8, 0.9, 0.95, 0.98]).double()).tolist()], flush=True)
        torch.save(net.state_dict(), folder / "network.pt")
    write(net, phrases, HERE / "verifier")


def write(net, phrases, path):
    """As verifier.rs reads it: each row of weights as its scale, its bias and bytes."""
    rows = []
    for convolution, norm in zip(net.layers[0::3], net.layers[1::3]):
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        weights = (convolution.weight * factor[:, None, None]).permute(0, 2, 1).flatten(1)
        rows += zip(weights.detach().numpy(), (norm.bias - norm.running_mean * factor).detach().numpy())
    rows += zip(net.out.weight.detach().numpy(), net.out.bias.detach().numpy())
    with open(path, "wb") as file:
        file.write(f"samvad verifier 1\n{'|'.join(phrases)}\n".encode())
        for weights, bias in rows:
            scale = np.abs(weights).max() / 127
            file.write(np.array([scale, bias], "<f4").tobytes() + np.round(weights / scale).astype(np.int8).tobytes())


if __name__ == "__main__":
    command, work = sys.argv[1], pathlib.Path(sys.argv[2])
    if command == "clips":
        make_clips(work, int(sys.argv[3]) if len(sys.argv) > 3 else 30)
    else:
        fit(work, int(sys.argv[3]) if len(sys.argv) > 3 else 15)
