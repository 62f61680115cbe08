#!/usr/bin/env python3
"""Fits the confidence of the embedded recogniser: prints the weights of src/speech/pocketsphinx/confidence.rs.

Debian packages: pocketsphinx-en-us flite espeak-ng. Python packages: numpy scipy scikit-learn.
Usage: fit_confidence.py WORK_FOLDER [CLIPS], from the root of the project, after
`cargo build --release --example speech_evidence`. About 15 minutes for 4,000 clips on two cores.

Half of the clips hold a phrase of the grammar, the others sentences, fragments, single words, other languages and
babble. The voices are none of those the acoustic model was
adapted to but for flite's (at other speeds), and none of those that tests/speech judges by. All goes down a telephone line with noise at 15 dB or better.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import wave
from math import gcd
from multiprocessing import Pool

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

HERE = pathlib.Path(__file__).parent
EVIDENCE = pathlib.Path("target/release/examples/speech_evidence")
DICTIONARY = pathlib.Path("/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict")
ESPEAK = """en-us+m1 en-us+m2 en-us+m4 en-us+m6 en-us+f1 en-us+f2 en-us+f5 en-gb+m1 en-gb+m3 en-gb+m5 en-gb+f1 en-gb+f3
en-gb-x-gbclan+m2 en-gb-x-gbclan+f5 en-gb-x-gbcwmd+m4 en-gb-x-gbcwmd+f4 en-us-nyc+m3 en-us-nyc+f2 en-us+klatt
en-us+klatt2 en-gb-x-rp+f4 en-us+steph en-us+Alicia en-us+Andy en-gb+belinda en-us+Denis en-gb+linda""".split()
VOICES = [("espeak-ng", voice, 150) for voice in ESPEAK] + [
    ("flite", voice, stretch) for voice in ("slt", "rms") for stretch in (0.9, 1.1, 0.9, 1.1)]
FOREIGN = [("hi", "मैं बाद में बात करूँगा"), ("hi", "हेलो"), ("hi", "हाँ जी बोलिए"), ("de", "ich verstehe sie nicht"),
           ("es", "quién habla por favor"), ("fr", "bonjour qui est là"), ("it", "non capisco niente"),
           ("pt", "não falo inglês"), ("nl", "ik heb geen tijd"), ("ta", "எனக்கு புரியவில்லை"), ("bn", "আমি জানি না"),
           ("mr", "मला माहित नाही"), ("de", "nein danke"), ("pl", "nie rozumiem"), ("sv", "jag har inte tid")]
KINDS = ["answer"] * 10 + ["sentence"] * 4 + ["word"] * 3 + ["foreign"] * 2 + ["babble"]
BAND = butter(4, [200, 3500], "band", fs=8000, output="sos")
LEVEL = 3000.0


def speak(voice, text, path):
    """8 kHz, without the silence around it."""
    program, name, speed = voice
    command = {"flite": ["flite", "-voice", name, "--setf", f"duration_stretch={speed}", "-t", text, "-o", path],
               "espeak-ng": ["espeak-ng", "-v", name, "-s", str(speed), "-w", path, text]}[program]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with wave.open(path) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    common = gcd(rate, 8000)
    samples = resample_poly(samples, 8000 // common, rate // common)
    loud = np.nonzero(np.abs(samples) > np.abs(samples).max(initial=0) / 50)[0]
    return samples[loud[0]:loud[-1] + 1] if len(loud) else samples[:0]


def mulaw(samples):
    """To mu-law and back (ITU-T G.711)."""
    linear = np.clip(np.round(samples), -32635, 32635).astype(int)
    magnitude = np.abs(linear) + 132
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    decoded = (((mantissa << 3) + 132) << exponent) - 132
    return np.where(linear < 0, -decoded, decoded)


def noise(kind, length, chance):
    white = chance.standard_normal(length)
    if kind != "pink":
        return white
    spectrum = np.fft.rfft(white)
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), length)


def telephone(speech, chance):
    speech = speech * (LEVEL / max(1.0, np.sqrt((speech ** 2).mean())))
    line = np.concatenate([np.zeros(int(chance.integers(1600, 2800))), speech, np.zeros(4000)])
    kind = chance.choice(["none", "none", "white", "pink"])
    ratio = 50.0 if kind == "none" else chance.choice([15.0, 17.0, 20.0, 25.0])
    sound = noise(kind, len(line), chance)
    line += sound * (LEVEL * 10 ** (-ratio / 20) / sound.std())
    return mulaw(sosfilt(BAND, line * 10 ** (chance.choice([0, 0, -12, 6, -6]) / 20)))


class Clips:
    """Makes clips; each by its number alone, so that they are the same every time."""

    def __init__(self, folder, tasks):
        self.folder, self.tasks = folder, tasks
        self.sentences = (HERE / "sentences.txt").read_text().splitlines()
        spoken = {word for task in tasks for phrase in task["phrases"] for word in phrase.split()}
        vocabulary = (HERE / "vocabulary.txt").read_text().split()
        self.sounds = pronunciations()
        self.words = [word for word in vocabulary if word not in spoken and word.isalpha() and len(word) > 2]

    def __call__(self, number):
        pick, chance = random.Random(number), np.random.default_rng(number)
        task, kind, voice = pick.choice(self.tasks), KINDS[number % len(KINDS)], pick.choice(VOICES)
        scratch = str(self.folder / f"said{os.getpid()}.wav")
        if kind == "babble":
            several = [speak(pick.choice(VOICES), pick.choice(self.sentences), scratch) for _ in range(pick.choice([2, 3, 4, 6]))]
            shortest = min(map(len, several))
            text, speech = "", sum(speech[:shortest] / max(1.0, speech.std()) for speech in several)
        else:
            text = self.text(kind, task, pick)
            if kind == "foreign":
                language, text = text
                voice = ("espeak-ng", language + pick.choice(["", "+f2", "+m3", "+f4"]), 150)
            speech = speak(voice, text, scratch)
        sounds = self.sounds.get(text, [])
        phrases = [other for phrase in task["phrases"] for other in self.sounds.get(phrase, [])]
        if len(speech) < 400 or kind != "answer" and (text in task["phrases"] or any(own in phrases for own in sounds)):
            return None
        path = str(self.folder / f"clip{number}.wav")
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(telephone(speech, chance).astype("<i2").tobytes())
        return {"wav": path, "task": task["task"], "said": text if kind == "answer" else None, "text": text, "kind": kind,
                "voice": voice[1]}

    def text(self, kind, task, pick):
        if kind == "answer":
            short = [phrase for phrase in task["said"] if " " not in phrase]
            return pick.choice(short if short and pick.random() < 0.45 else task["said"])
        if kind == "word":
            return pick.choice(self.words)
        if kind == "foreign":
            return pick.choice(FOREIGN)
        words = pick.choice(self.sentences).split()
        if pick.random() < 0.4:
            length = pick.randint(1, 3)
            start = pick.randint(0, max(0, len(words) - length))
            words = words[start:start + length]
        return " ".join(words)


def pronunciations():
    """Of each word: the dictionary's and those of other accents."""
    sounds = {}
    for line in [*DICTIONARY.read_text().splitlines(), *(HERE / "pronunciations.txt").read_text().splitlines()]:
        word, _, phones = line.partition(" ")
        sounds.setdefault(word.partition("(")[0], []).append(phones.split())
    return sounds


def spoken(hypothesis):
    return [segment for segment in hypothesis["segments"] if segment[0][0] not in "<[+" and segment[0] != "SIL"]


def edits(left, right):
    row = list(range(len(right) + 1))
    for i, a in enumerate(left):
        diagonal, row[0] = row[0], i + 1
        for j, b in enumerate(right):
            substituted, diagonal = diagonal + (a != b), row[j + 1]
            row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
    return row[-1]


def difference(left, right):
    return edits(left, right) / max(len(left), len(right), 1)


def evidence(clip, dictionary):
    """The same as `evidence` in confidence.rs."""
    grammar, phones, general = clip["grammar"], clip["phones"], clip["general"]
    words = spoken(grammar)
    own, others = ([phone for word, _, _, _, variant in spoken(heard) for phones in dictionary.get(word, [])[variant:][:1]
                    for phone in phones] for heard in (grammar, general))
    if not words or not own:
        return None
    frames = sum(last - first + 1 for _, first, last, *_ in words)
    length = len(own)

    def within(other, first, last):
        return sum(score * max(0, min(end, last) + 1 - max(begin, first)) / (end - begin + 1)
                   for _, begin, end, score, _ in other["segments"])

    def worst(other):
        return max(-60.0, min((score - within(other, first, last)) / (last - first + 1) for _, first, last, score, _ in words))

    return [max(-60.0, (grammar["score"] - phones["score"]) / frames), worst(phones), worst(general),
            -difference(own, others), -difference(own, [word for word, *_ in spoken(phones)]),
            1 / length, abs(len(others) - length) / length, max(0.0, 5.0 - frames / length)]


def hear(clips):
    """What the decoders make of clips."""
    asked = "".join(json.dumps(clip) + "\n" for clip in clips)
    return subprocess.run([EVIDENCE], check=True, input=asked, stdout=subprocess.PIPE, text=True).stdout


def main():
    from sklearn.linear_model import LogisticRegression
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    listed = subprocess.run([EVIDENCE, "--tasks"], check=True, stdout=subprocess.PIPE, text=True).stdout
    tasks = [json.loads(line) for line in listed.splitlines()]
    with Pool() as pool:
        clips = [clip for clip in pool.imap(Clips(folder, tasks), range(count), chunksize=16) if clip]
        heard = "".join(pool.map(hear, [clips[part::8] for part in range(8)], chunksize=1))
    (folder / "heard.jsonl").write_text(heard)
    dictionary = pronunciations()
    rows = [(found, clip["right"]) for clip in map(json.loads, heard.splitlines())
            if "grammar" in clip and (found := evidence(clip, dictionary))]
    values, right = np.array([found for found, _ in rows]), np.array([right for _, right in rows])
    mean, spread = values.mean(0), values.std(0)
    model = LogisticRegression(max_iter=5000).fit((values - mean) / spread, right)
    weights = model.coef_[0] / spread
    print("WEIGHTS", [float(f"{weight:.4g}") for weight in weights])
    print("BIAS", round(float(model.intercept_[0] - weights @ mean), 4))


if __name__ == "__main__":
    main()
