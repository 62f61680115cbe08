#!/usr/bin/env python3
"""Trains the verifier of short answers.

Debian packages: pocketsphinx-en-us libespeak-ng1 espeak-ng-data libflite1 festival festvox-kdlpc16k festvox-us-slt-hts.
Python packages: numpy scipy torch. Usage, from the root of the project, after `cargo build --example speech_evidence`:
`train_verifier.py clips WORK_FOLDER [SHARDS [FIRST_SHARD]]`,
`train_verifier.py fit WORK_FOLDER [EPOCHS]`, which writes the file `verifier`, and
`train_verifier.py fit-development WORK_FOLDER [EPOCHS]`: the network that `weigh_verifier.py` chooses by.

Nearly half of the clips hold a short phrase of the grammars of tests/speech, the others ordinary words, words and
phrases that sound like one, pairs and fragments of sentences. The voices that tests/speech judges by are none of these
(synthesis.py). The words it judges by (tests/speech: WORDS in voices.rs, ordinary.txt, look_alikes.txt), and those that
are pronounced like them, are said neither alone nor in a pair; its SENTENCES not at all.
"""

import json
import pathlib
import random
import re
import subprocess
import sys
import time

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from fit_confidence import edits, mulaw
from synthesis import (ACCENTS, DEVELOPMENT, DEVELOPMENT_NATURAL, DEVELOPMENT_VARIANTS, FESTIVAL, FLITE, RATE, VARIANTS,
                       Espeak, Festival, Flite, cropped, with_other_throat)

HERE = pathlib.Path(__file__).parent
JUDGES = pathlib.Path("tests/speech")
EVIDENCE = pathlib.Path("target/debug/examples/speech_evidence")
DICTIONARY = pathlib.Path("/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict")
# Frames of 10 ms, at least and at most; bands; samples of a window and from one to the next.
FEWEST, FRAMES, MELS, WINDOW, STEP = 10, 200, 24, 200, 80
# A phrase of more words is left to the decoders.
MOST_WORDS = 4
# Clips tried for a shard; three in four are kept.
SHARD = 2000


# Hearing: the same as in src/speech/pocketsphinx/utterance.rs and media/src/spectrum.rs.

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
    if count < FEWEST or count > FRAMES:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STEP][:count]
    power = np.abs(np.fft.rfft(frames * HANN, 256)) ** 2
    return (np.log1p(power @ FILTERS / FLOOR) / 8).astype(np.float32)


# Speaking.

def telephone(samples, rate, stretch, pick, chance):
    """What arrives of a voice: from a longer or shorter throat, a room, a microphone, noise, and the line's coding."""
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


# What is said.

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


def short_phrases():
    listed = subprocess.run([EVIDENCE, "--tasks"], check=True, stdout=subprocess.PIPE, text=True).stdout
    tasks = [json.loads(line) for line in listed.splitlines()]
    every = {phrase for task in tasks for phrase in task["phrases"]}
    return sorted(phrase for phrase in every if len(phrase.split()) <= MOST_WORDS), every


class Texts:
    """What is said."""

    def __init__(self):
        self.phrases, self.every = short_phrases()
        self.index = {phrase: place for place, phrase in enumerate(self.phrases)}
        self.lengths = [[phrase for phrase in self.phrases if len(phrase.split()) == length] for length in (1, 2, 3, 4)]
        self.lengths = [phrases for phrases in self.lengths if phrases]
        self.sounds = pronunciations()
        self.judged = judged_words()
        self.judged_sounds = {sounds for word in self.judged for sounds in self.sounds.get(word, [])}
        self.meant = {sounds for phrase in self.every for sounds in self.sounds.get(phrase, [])}
        vocabulary = set((HERE / "vocabulary.txt").read_text().split())
        self.words = sorted(word for word in vocabulary if self.free(word) and len(word) > 1)
        # Of each word of a phrase, those that sound like it: one sound differs; or two, if it has five or more.
        spoken = sorted({word for phrase in self.phrases for word in phrase.split()})
        targets = [(word, own) for word in spoken for own in self.sounds.get(word, [])]
        alike = {}
        for word, pronounced in self.sounds.items():
            if len(word) < 2 or not self.free(word) or len(pronounced[0]) > 9:
                continue
            for target, own in targets:
                most = 2 if len(own) >= 5 else 1
                if any(abs(len(one) - len(own)) <= most and edits(one, own) <= most for one in pronounced):
                    alike.setdefault(target, set()).add(word)
        self.alike = {target: sorted(words) for target, words in alike.items()}
        self.single = sorted(target for target in self.alike if target in self.index)
        self.sentences = [line.split() for line in (HERE / "sentences.txt").read_text().splitlines() if line.strip()]

    def free(self, word):
        """Neither kept for judging nor one of a grammar, nor pronounced like one."""
        return (word.replace("'", "").isalpha() and word not in self.every and not self.is_judged(word)
                and not any(own in self.meant for own in self.sounds.get(word, [])))

    def is_judged(self, word):
        """Whether it is kept for judging, or pronounced like one that is."""
        return word in self.judged or any(own in self.judged_sounds for own in self.sounds.get(word, []))

    def phrase(self, pick):
        kind = pick.random()
        if kind < 0.4:
            return pick.choice(self.lengths[0])
        return pick.choice(pick.choice(self.lengths) if kind < 0.6 else self.phrases)

    def other(self, pick):
        kind = pick.random()
        if kind < 0.25:
            return pick.choice(self.words)
        if kind < 0.6:
            return pick.choice(self.alike[pick.choice(self.single)])
        if kind < 0.74:
            return self.nearly(pick)
        if kind < 0.88:
            return f"{pick.choice(self.words)} {pick.choice(self.words)}"
        words = pick.choice(self.sentences)
        start = pick.randrange(len(words))
        return " ".join(words[start:start + pick.randint(1, 4)])

    def nearly(self, pick):
        """A phrase of several words with one of them changed, added or left out."""
        words = pick.choice([phrase for phrases in self.lengths[1:] for phrase in phrases]).split()
        place = pick.randrange(len(words))
        kind = pick.random()
        if kind < 0.5 and words[place] in self.alike:
            words[place] = pick.choice(self.alike[words[place]])
        elif kind < 0.75:
            words[place] = pick.choice(self.words)
        elif kind < 0.9:
            del words[place]
        else:
            words.insert(pick.choice([0, len(words)]), pick.choice(self.words))
        return " ".join(words)

    def allowed(self, text):
        """Whether this may be said as something else."""
        words = text.split()
        return text not in self.every and not (len(words) <= 2 and any(map(self.is_judged, words)))

    def phones(self, text):
        """What it is made of, as the dictionary has it; nothing if a word is missing."""
        found = [self.sounds.get(word) for word in text.split()]
        return " ".join(phone for own in found for phone in own[0]) if found and all(found) else ""


def development(text):
    """Every tenth text that is no phrase is kept for choosing what the network's word counts for."""
    return sum(map(ord, text)) % 10 == 0


class Speakers:
    """Who says it."""

    def __init__(self):
        self.espeak, self.flite, self.festival = Espeak(), Flite(), Festival()

    def natural(self, name, text, slowness):
        """Rate and samples, by one of those that were recorded."""
        return (self.flite if name in FLITE else self.festival).speak(name, text, slowness)

    def formants(self, accent, variant, text, pick):
        """The same, by one of those that are computed."""
        speed, pitch, liveliness = pick.randint(105, 190), pick.randint(25, 75), pick.randint(20, 80)
        return self.espeak.rate, self.espeak.speak(accent, variant, text, speed, pitch, liveliness)


def clip(texts, speakers, number, dev):
    """Features, label, text and speaker; the same for each number."""
    pick, chance = random.Random(number * 2 + dev), np.random.default_rng(number * 2 + dev)
    label = len(texts.phrases)
    if pick.random() < 0.47:
        text = texts.phrase(pick)
        label = texts.index[text]
    else:
        text = texts.other(pick)
        if not texts.allowed(text) or development(text) != bool(dev):
            return None
    # How much longer the whole becomes, and where the resonances go.
    longer, throat = pick.uniform(0.88, 1.14), None
    if not dev and pick.random() < 0.45:
        name = pick.choice(FLITE + FESTIVAL)
        if pick.random() < 0.7:
            longer = pick.uniform(0.8, 1.25)
            other = longer / pick.uniform(0.87, 1.15)
            throat = [other * pick.uniform(0.93, 1.07) for _ in range(3)]
        speaker = name
        rate, samples = speakers.natural(name, text, round(pick.uniform(0.85, 1.4) / longer, 2))
    else:
        accent, variant = pick.choice(DEVELOPMENT) if dev else (pick.choice(ACCENTS), pick.choice(VARIANTS))
        if not dev and variant in DEVELOPMENT_VARIANTS:
            return None
        espeak = speakers.espeak
        if label == len(texts.phrases) and espeak.sounds(accent, text) in espeak.phrases(accent, texts.phrases):
            return None
        if pick.random() < 0.25:
            throat = [pick.uniform(0.9, 1.1) for _ in range(3)]
        speaker = f"{accent}+{variant}"
        rate, samples = speakers.formants(accent, variant, text, pick)
    if len(samples) < rate / 20:
        return None
    samples = cropped(samples)
    if throat:
        samples = with_other_throat(samples, rate, throat)
    line = telephone(samples, rate, longer, pick, chance)
    found = None if line is None else features(level_and_trim(line))
    return None if found is None else (np.round(found * 120).clip(0, 255).astype(np.uint8), label, text, speaker)


def make_clips(folder, shards, first):
    folder.mkdir(parents=True, exist_ok=True)
    texts, speakers = Texts(), Speakers()
    (folder / "phrases.json").write_text(json.dumps(texts.phrases))
    print(len(texts.phrases), "phrases", len(texts.words), "words", sum(map(len, texts.alike.values())), "alike", flush=True)
    for shard in range(first, shards):
        path = folder / f"shard{shard:03}.npz"
        if path.exists():
            continue
        began = time.monotonic()
        # The first tells how the training goes.
        tried = (clip(texts, speakers, shard * SHARD + at, int(shard < 1)) for at in range(SHARD))
        made = [one for one in tried if one]
        x = np.zeros((len(made), FRAMES, MELS), np.uint8)
        for place, (found, *_) in enumerate(made):
            x[place, :len(found)] = found
        np.savez(path, x=x, frames=[len(one[0]) for one in made], y=[one[1] for one in made], text=[one[2] for one in made],
                 speaker=[one[3] for one in made], phones=[texts.phones(one[2]) for one in made])
        print(shard, len(made), round(time.monotonic() - began), "s", flush=True)


# Learning.

# Channels out, frames in a kernel, step, distance between a kernel's frames.
LAYERS = [(48, 5, 2, 1), (96, 5, 2, 1), (96, 5, 1, 1), (112, 5, 1, 1), (160, 3, 1, 2)]
# The sum over time is divided by this.
SPAN = 32
# Sounds and pairs of sounds that the network must tell as well, while it is trained: so it learns from every word, not
# from the phrases alone, what tells one from another.
SOUNDS = 500


def network(classes, sounds=SOUNDS):
    import torch
    layers, channels = [], MELS
    for out, kernel, step, distance in LAYERS:
        layers += [torch.nn.Conv1d(channels, out, kernel, step, (kernel // 2) * distance, distance, bias=False),
                   torch.nn.BatchNorm1d(out), torch.nn.ReLU()]
        channels = out

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList(layers)
            self.drop = torch.nn.Dropout(0.2)
            self.out = torch.nn.Linear(2 * channels, classes)
            self.sounds = torch.nn.Linear(2 * channels, sounds)

        def forward(self, x, frames, sounds=False):
            x = x.transpose(1, 2)
            # After the utterance comes nothing, whatever else is in the batch.
            mask = (torch.arange(x.shape[2])[None] < frames[:, None]).float()[:, None]
            for convolution, norm, rectifier in zip(self.layers[0::3], self.layers[1::3], self.layers[2::3]):
                mask = mask[:, :, ::convolution.stride[0]]
                x = rectifier(norm(convolution(x))) * mask
            found = self.drop(torch.cat([x.sum(2) / SPAN, x.amax(2)], 1))
            return (self.out(found), self.sounds(found)) if sounds else self.out(found)

    return Network()


def varied(x, torch):
    """Other levels, bands and moments that are lost, noise."""
    level = torch.randn(len(x), 1, 1) * 0.03
    x = torch.where(x > 0.05, x + level, x)
    for _ in range(2):
        start = random.randrange(MELS - 2)
        lost = torch.rand(len(x)) < 0.15
        x[lost, :, start:start + random.randint(1, 3)] = 0
    start = random.randrange(x.shape[1])
    lost = torch.rand(len(x)) < 0.15
    x[lost, start:start + random.randint(1, 5)] = 0
    return (x + torch.randn_like(x) * 0.02).clamp(min=0)


def sounds_of(spoken):
    """Of each clip, which of the most frequent sounds and pairs of sounds it has: clips by sounds."""
    found = []
    for line in spoken:
        phones = ["#", *line.split(), "#"] if line else []
        found.append({*phones, *zip(phones, phones[1:])} - {"#"})
    counts = {}
    for one in found:
        for sound in one:
            counts[sound] = counts.get(sound, 0) + 1
    best = sorted(counts, key=lambda sound: (-counts[sound], str(sound)))[:SOUNDS]
    place = {sound: at for at, sound in enumerate(best)}
    told = np.zeros((len(found), SOUNDS), np.uint8)
    for row, one in zip(told, found):
        row[[place[sound] for sound in one if sound in place]] = 1
    return told


def read(paths, without=None):
    loaded = [np.load(path) for path in paths]
    every = {key: np.concatenate([one[key] for one in loaded]) for key in ("x", "frames", "y", "speaker", "phones")}
    kept = every["speaker"] != without
    return {key: values[kept] for key, values in every.items()}


def batches(frames, size, torch):
    """Clips of like length together, so that little is computed in vain."""
    order = torch.randperm(len(frames))
    found = []
    for at in range(0, len(order) - size + 1, size * 24):
        part = order[at:at + size * 24]
        part = part[frames[part].argsort()]
        found += [part[start:start + size] for start in range(0, len(part) - size + 1, size)]
    random.shuffle(found)
    return found


def fit(folder, epochs, without=None):
    import torch
    torch.manual_seed(1)
    random.seed(1)
    torch.set_num_threads(1)
    paths = sorted(folder.glob("shard*.npz"))
    phrases = json.loads((folder / "phrases.json").read_text())
    tell, learn = read(paths[:1]), read(paths[1:], without)
    told = torch.from_numpy(sounds_of(learn["phones"]))
    known = torch.from_numpy(learn["phones"] != "").float()[:, None]
    x, y, frames = (torch.from_numpy(learn[key]) for key in ("x", "y", "frames"))
    tx, ty, tf = (torch.from_numpy(tell[key]) for key in ("x", "y", "frames"))
    net = network(len(phrases) + 1)
    print(len(x), "clips of", len(paths) - 1, "shards,", sum(p.numel() for p in net.parameters()), "weights", flush=True)
    size = 128
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02)
    steps = epochs * len(batches(frames, size, torch))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps, pct_start=0.2)
    for epoch in range(epochs):
        net.train()
        began, total, count = time.monotonic(), 0.0, 0
        for picked in batches(frames, size, torch):
            first = random.randint(0, 3)
            long = frames[picked] - first
            scores, sounds = net(varied(x[picked, first:first + int(long.max())].float() / 120, torch), long, True)
            loss = torch.nn.functional.cross_entropy(scores, y[picked], label_smoothing=0.02)
            heard = torch.nn.functional.binary_cross_entropy_with_logits(sounds, told[picked].float(), reduction="none")
            loss = loss + (heard * known[picked]).sum(1).mean() / 30
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total, count = total + loss.item(), count + 1
        net.eval()
        with torch.no_grad():
            logits = net(tx.float() / 120, tf)
        right = (logits.argmax(1) == ty).float()
        spoken = ty < len(phrases)
        any_phrase = (logits[:, :-1].logsumexp(1) - logits[:, -1]).double()
        quantiles = lambda values, shares: [round(v, 1) for v in values.quantile(torch.tensor(shares).double()).tolist()]
        print(epoch, round(total / count, 3), "phrases", round(float(right[spoken].mean()), 3), "others",
              round(float(right[~spoken].mean()), 3), "quantiles of phrases", quantiles(any_phrase[spoken], [0.01, 0.02, 0.05, 0.1]),
              "of others", quantiles(any_phrase[~spoken], [0.8, 0.9, 0.95, 0.98]), round(time.monotonic() - began), "s", flush=True)
        torch.save(net.state_dict(), folder / ("development.pt" if without else "network.pt"))
    if not without:
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
        file.write(f"samvad verifier 2\n{'|'.join(phrases)}\n".encode())
        for weights, bias in rows:
            scale = np.abs(weights).max() / 127
            file.write(np.array([scale, bias], "<f4").tobytes() + np.round(weights / scale).astype(np.int8).tobytes())


if __name__ == "__main__":
    command, work, *numbers = sys.argv[1], pathlib.Path(sys.argv[2]), *map(int, sys.argv[3:])
    if command == "clips":
        make_clips(work, *(numbers + [40, 0][len(numbers):]))
    elif command == "fit-development":
        fit(work, *(numbers or [10]), without=DEVELOPMENT_NATURAL)
    else:
        fit(work, *(numbers or [14]))
