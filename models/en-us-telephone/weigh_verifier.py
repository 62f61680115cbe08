#!/usr/bin/env python3
"""Chooses what the verifier's word counts for: VERIFIED and VERIFIED_MOST of src/speech/pocketsphinx/confidence.rs,
and LEEWAY of verifier.rs.

Debian and Python packages: as train_verifier.py. Usage, from the root of the project, after `train_verifier.py
fit` and `fit-development` with the same folder and `cargo build --example speech_evidence`: weigh_verifier.py WORK_FOLDER [CLIPS].

Half of the clips hold an answer, the others words that the network was not trained on, down a telephone line with noise
at 15 dB or better. Two thirds are said by speakers of espeak-ng that no network was trained on, and heard by the network
that is built in (`fit`); the others by a voice that was recorded, and heard by the network that was trained without it
(`fit-development`). tests/speech judges by none of these speakers.
"""

import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import wave

import numpy as np

import fit_confidence
import train_verifier
from synthesis import DEVELOPMENT, DEVELOPMENT_NATURAL, cropped
from train_verifier import EVIDENCE, HERE, RATE, Speakers, Texts, development, features, level_and_trim

fit_confidence.EVIDENCE = EVIDENCE
CONFIDENCE = pathlib.Path("src/speech/pocketsphinx/confidence.rs")


def say(texts, speakers, tasks, number):
    """A clip: what was said of which task, and its samples; the same for each number."""
    pick, chance = random.Random(-number - 1), np.random.default_rng(10 ** 9 + number)
    task, kind = tasks[number // 2 % len(tasks)], "answer"
    if number % 2:
        kind = pick.choice(["ordinary", "alike"])
        for _ in range(1000):
            words = texts.words if kind == "ordinary" else texts.alike[pick.choice(texts.single)]
            text = pick.choice(words)
            if kind == "ordinary" and pick.random() < 0.4:
                text += " " + pick.choice(words)
            if development(text) and texts.allowed(text):
                break
    else:
        text = pick.choice(task["said"])
    recorded = pick.random() < 1 / 3
    if recorded:
        rate, samples = speakers.natural(DEVELOPMENT_NATURAL, text, round(pick.uniform(0.9, 1.2), 2))
    else:
        rate, samples = speakers.formants(*pick.choice(DEVELOPMENT), text, pick)
    samples = cropped(samples)
    if len(samples) < rate / 20:
        return None
    samples = fit_confidence.resample_poly(samples, RATE, rate)
    return {"task": task["task"], "said": text if kind == "answer" else None, "text": text,
            "kind": kind, "recorded": recorded}, fit_confidence.telephone(samples, chance)


def constants():
    """The weights and marks of the decoders' log-odds."""
    text = CONFIDENCE.read_text()
    weights = re.search(r"const WEIGHTS: .* = \[(.*)\];", text).group(1)
    number = lambda name: float(re.search(rf"const {name}: f32 = (.*);", text).group(1))
    return np.array([float(one) for one in weights.split(",")]), *map(number, ("BIAS", "BINDING", "CERTAIN", "PLAUSIBLE"))


def alike(left, right, phrases):
    """Whether they count as one, as in verifier.rs."""
    first = left.split()[0]
    return (f" {left} " in f" {right} " or f" {right} " in f" {left} "
            or first == right.split()[0] and first in phrases)


def network_odds(path, texts, tasks):
    """The network's odds of the task's grammar, and of the phrase that was heard and those like it: a function of that
    phrase, the task and samples. `None` where the network says nothing."""
    import torch
    torch.set_num_threads(1)
    net = train_verifier.network(len(texts.phrases) + 1)
    net.load_state_dict(torch.load(path))
    net.eval()
    grammars = {task["task"]: set(task["phrases"]) for task in tasks}

    def odds(heard, task, samples):
        found = features(level_and_trim(samples)) if heard in texts.index else None
        if found is None:
            return None
        with torch.no_grad():
            scores = net(torch.from_numpy(found)[None], torch.tensor([len(found)]))[0].numpy()
        inside = np.array([phrase in grammars[task] for phrase in texts.phrases] + [False])
        own = np.array([alike(phrase, heard, texts.index) for phrase in texts.phrases] + [False])
        of = lambda places: float(np.logaddexp.reduce(scores[places]) - np.logaddexp.reduce(scores[~places]))
        return of(inside), of(inside & own)

    return odds


def hear(folder, count):
    """Of each clip its kind, whether it was heard right, whether it must bind, the decoders' log-odds, the network's,
    whether it was said by the recorded voice, what was said and what was heard."""
    listed = subprocess.run([EVIDENCE, "--tasks"], check=True, stdout=subprocess.PIPE, text=True).stdout
    tasks = [json.loads(line) for line in listed.splitlines()]
    texts, speakers = Texts(), Speakers()
    dictionary = fit_confidence.pronunciations()
    weights, bias, *_ = constants()
    asked = []
    for number in range(count):
        made = say(texts, speakers, tasks, number)
        if not made:
            continue
        clip, samples = made
        clip["wav"] = str(folder / f"weigh{number}.wav")
        with wave.open(clip["wav"], "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(samples.astype("<i2").tobytes())
        asked.append(clip)
    heard, rows = fit_confidence.hear(asked), []
    odds = {True: network_odds(folder / "development.pt", texts, tasks),
            False: network_odds(folder / "network.pt", texts, tasks)}
    for clip in map(json.loads, heard.splitlines()):
        evidence = "grammar" in clip and fit_confidence.evidence(clip, dictionary)
        with wave.open(clip["wav"]) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        pathlib.Path(clip["wav"]).unlink()
        if not evidence:
            rows.append((clip["kind"], False, False, -99.0, None, clip["recorded"], clip["text"], ""))
            continue
        phrase = clip["grammar"]["text"]
        rows.append((clip["kind"], clip["right"], clip["mark"] > 0.85, float(bias + weights @ np.array(evidence)),
                     odds[clip["recorded"]](phrase, clip["task"], samples), clip["recorded"], clip["text"], phrase))
    return rows


def outcome(rows, weight, zero, most, leeway):
    """Shares of answers right at once, right at all, wrong and taken; of ordinary words and of look-alikes taken, and of
    all of them bound."""
    *_, binding, certain, plausible = constants()
    kinds = np.array([row[0] for row in rows])
    right, binds = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    decoders = np.array([row[3] for row in rows])
    verified = np.array([zero if row[4] is None else min(row[4][0], row[4][1] + leeway) for row in rows])
    odds = np.maximum(decoders + weight * np.clip(verified - zero, -most, most), np.minimum(decoders, plausible))
    taken = odds >= np.where(binds, binding, certain)
    answers, words = kinds == "answer", kinds != "answer"
    share = lambda found, among: round(100 * float((found & among).sum() / among.sum()), 1)
    return (share(taken & right, answers), share((odds >= plausible) & right, answers), share(taken & ~right, answers),
            share(taken, kinds == "ordinary"), share(taken, kinds == "alike"), share(taken & binds, words))


def main():
    folder = pathlib.Path(sys.argv[1])
    path = folder / "weighed.json"
    if not path.exists():
        path.write_text(json.dumps(hear(folder, int(sys.argv[2]) if len(sys.argv) > 2 else 2400)))
    rows = json.loads(path.read_text())
    parts = [[row for row in rows if row[5] == recorded] for recorded in (False, True)]
    shown = lambda *one: " | ".join(" ".join(map(str, outcome(part, *one))) for part in parts)
    print("espeak-ng's speakers | the recorded voice: answers right at once, right at all, wrong and taken; ordinary words,"
          " look-alikes taken; bound, in %")
    print(*map(len, parts), "clips; without the network", shown(0, 0, 0, 0))
    print("with it: weight, zero, most, leeway")
    for one in itertools.product((0.4, 0.6, 0.8, 1.0, 1.3), (-1.5, -1, -0.5, 0, 0.5), (2, 3, 4), (1, 2, 3, 99)):
        print(*one, ":", shown(*one))


if __name__ == "__main__":
    main()
