#!/usr/bin/env python3
"""Adapts PocketSphinx's en-us acoustic model to the telephone: makes `means` next to this file.

Debian packages: sphinxtrain pocketsphinx pocketsphinx-en-us sphinxbase-utils flite espeak-ng sox python3-yaml.
Usage: adapt.py LEXICON.yaml WORK_FOLDER. About four minutes.

Synthetic voices speak the lexicon's phrases, numbers and common sentences; each is sent down a telephone line
(200-3500 Hz, 8 kHz mu-law, some with noise) and up again as the recogniser does it (level, linear interpolation to
16 kHz). SphinxTrain aligns them and moves the means of the Gaussians towards what it sees (maximum a posteriori); 60 %
of the way is kept, for synthetic voices are not people. Variances and weights stay. The voices awb and kal16 of flite
and the accents en-029, en-gb-scotland, en-us+f3 and en-gb+m7 of espeak-ng are left out: they are for judging the
result.
"""

import array
import audioop
import collections
import pathlib
import random
import struct
import subprocess
import sys
import wave

import yaml

MODEL = pathlib.Path("/usr/share/pocketsphinx/model/en-us/en-us")
TRAINER = "/usr/lib/sphinxtrain"
VOICES = [
    ["flite", "-voice", "slt"],
    ["flite", "-voice", "rms"],
    ["flite", "-voice", "slt", "--setf", "duration_stretch=1.15"],
    ["flite", "-voice", "rms", "--setf", "duration_stretch=0.85"],
    ["espeak-ng", "-v", "en-us", "-s", "160"],
    ["espeak-ng", "-v", "en-gb+f2", "-s", "150"],
    ["espeak-ng", "-v", "en-us+m3", "-s", "145"],
    ["espeak-ng", "-v", "en-gb-x-rp", "-s", "165"],
    ["espeak-ng", "-v", "en-us+f4", "-s", "155"],
    ["espeak-ng", "-v", "en-gb-x-gbclan", "-s", "150"],
    ["espeak-ng", "-v", "en-gb-x-gbclan+f3", "-s", "160"],
    ["espeak-ng", "-v", "en-gb-x-gbcwmd", "-s", "150"],
    ["espeak-ng", "-v", "en-gb-x-gbcwmd+f2", "-s", "140"],
    ["espeak-ng", "-v", "en-us-nyc", "-s", "150"],
    ["espeak-ng", "-v", "en-us-nyc+f1", "-s", "160"],
]
KEPT = 0.6
# Kind and signal-to-noise ratio in dB.
NOISES = [None, None, ("whitenoise", 20), ("pinknoise", 15), ("pinknoise", 20), ("whitenoise", 15)]
NUMBERS = "zero one two three four five six seven eight nine ten".split()
TEENS = "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
# Every voice says these: most answers are no longer.
ANSWERS = "yes|yeah|yes please|sure|yeah sure|okay|go ahead|of course|no|nope|no thanks|no thank you".split("|")
PER_VOICE = {"phrases": 75, "numbers": 55, "sentences": 50}


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, **options)


def texts(lexicon, sentences, chance):
    """What one voice says."""
    phrases = sorted({phrase for intent in lexicon["intents"].values() for kind in intent.values() for phrase in kind})
    framed = [frame.replace("{n}", number) for number in NUMBERS for frame in
              ["number {n}", "i would say {n}", "i'd say {n}", "i think {n}", "{n} please", "{n} {n}", "{n} out of ten"]]
    numbers = NUMBERS * 2 + chance.sample(TEENS, 4)
    numbers += chance.sample(framed, PER_VOICE["numbers"] - len(numbers))
    return ANSWERS + chance.sample(phrases, PER_VOICE["phrases"]) + numbers + chance.sample(sentences, PER_VOICE["sentences"])


def speak(voice, text, path):
    if voice[0] == "flite":
        run(*voice, "-t", text, "-o", path, stdout=subprocess.DEVNULL)
    else:
        run(*voice, "-w", path, text)


def sox(*arguments):
    """Raw 16-bit samples of 8 kHz."""
    return run("sox", "-V1", *arguments, stdout=subprocess.PIPE).stdout


def telephone(path, noise):
    """The recording as the recogniser gets it: 16 kHz."""
    raw = ["-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-r", "8000"]
    speech = sox(path, *raw, "-", "norm", "-6", "rate", "8000", "silence", "1", "0.01", "1%", "pad", "0.3", "0.5",
                 "sinc", "200-3500")
    if noise:
        kind, ratio = noise
        sound = sox("-n", *raw, "-", "synth", f"{len(speech) // 2}s", kind, "sinc", "200-3500")
        sound = (sound + b"\0" * len(speech))[:len(speech)]
        level = audioop.rms(speech, 2) / max(audioop.rms(sound, 2), 1) * 10 ** (-ratio / 20)
        speech = audioop.add(speech, audioop.mul(sound, 2, level), 2)
    line = audioop.ulaw2lin(audioop.lin2ulaw(speech, 2), 2)
    loudest = max(audioop.rms(line[at:at + 1600], 2) for at in range(0, len(line), 1600))
    samples = memoryview(audioop.mul(line, 2, min(6000 / max(loudest, 1), 64))).cast("h")
    doubled = []
    for sample, following in zip(samples, [*samples[1:], samples[-1]]):
        doubled += [sample, (sample + following) // 2]
    return struct.pack(f"<{len(doubled)}h", *doubled)


def unpack_weights(path):
    """SphinxTrain reads mixture weights as floats, Debian ships them packed."""
    packed = (MODEL / "sendump").read_bytes()
    at = 0
    while True:
        (length,) = struct.unpack_from("<i", packed, at)
        at += 4 + length
        if length == 0:
            break
    densities, senones = struct.unpack_from("<2i", packed, at)
    at += 8
    features = (len(packed) - at) // (densities * senones)
    table = [1.0001 ** -(byte << 10) for byte in range(256)]
    with open(path, "wb") as out:
        out.write(b"s3\nversion 1.0\nendhdr\n" + struct.pack("<I", 0x11223344))
        out.write(struct.pack("<4i", senones, features, densities, senones * features * densities))
        for senone in range(senones):
            row = packed[at + senone::senones]
            out.write(struct.pack(f"<{features * densities}f", *(table[byte] for byte in row)))


def blend(original, adapted, path):
    """Writes means between those of two files, without their checksum."""
    parts = []
    for file in [original, adapted]:
        content = file.read_bytes()
        end = content.index(b"endhdr\n") + 7
        # Byte order, four sizes and three vector lengths, then the means and their checksum.
        parts.append((content[end:end + 32], array.array("f", content[end + 32:-4])))
    (sizes, before), (_, after) = parts
    means = array.array("f", (old + KEPT * (new - old) for old, new in zip(before, after)))
    path.write_bytes(b"s3\nversion 1.0\nendhdr\n" + sizes + means.tobytes())


def main():
    lexicon = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
    work = pathlib.Path(sys.argv[2])
    here = pathlib.Path(__file__).resolve().parent
    for folder in ["wav", "mfc", "counts"]:
        (work / folder).mkdir(parents=True, exist_ok=True)
    sentences = (here / "sentences.txt").read_text(encoding="utf-8").splitlines()
    dictionary = collections.defaultdict(list)
    for line in open(MODEL.parent / "cmudict-en-us.dict", encoding="utf-8"):
        dictionary[line.split(" ")[0].split("(")[0]].append(line)
    chance = random.Random(1)
    names, transcripts, words = [], [], set()
    for number, voice in enumerate(VOICES):
        for text in texts(lexicon, sentences, chance):
            noise = chance.choice(NOISES)
            if not all(word in dictionary for word in text.split()):
                continue
            name = f"{number}-{len(names):05}"
            speak(voice, text, work / "said.wav")
            (work / "wav" / f"{name}.raw").write_bytes(telephone(work / "said.wav", noise))
            names.append(name)
            transcripts.append(f"<s> {text} </s> ({name})")
            words.update(text.split())
        print(f"voice {number + 1} of {len(VOICES)}", flush=True)
    (work / "names").write_text("\n".join(names) + "\n")
    (work / "transcripts").write_text("\n".join(transcripts) + "\n")
    (work / "words.dict").write_text("".join("".join(dictionary[word]) for word in sorted(words)))
    unpack_weights(work / "weights")
    log = open(work / "log", "w", encoding="utf-8")
    quiet = {"stdout": log, "stderr": log}
    run("pocketsphinx_mdef_convert", "-text", MODEL / "mdef", work / "mdef.txt", **quiet)
    run("sphinx_fe", "-argfile", MODEL / "feat.params", "-samprate", 16000, "-remove_silence", "no", "-raw", "yes",
        "-c", work / "names", "-di", work / "wav", "-ei", "raw", "-do", work / "mfc", "-eo", "mfc", **quiet)
    shape = ["-moddeffn", work / "mdef.txt", "-ts2cbfn", ".ptm.", "-meanfn", MODEL / "means", "-varfn",
             MODEL / "variances", "-mixwfn", work / "weights", "-tmatfn", MODEL / "transition_matrices"]
    run(f"{TRAINER}/bw", *shape, "-feat", "1s_c_d_dd", "-svspec", "0-12/13-25/26-38", "-cmn", "batch", "-agc", "none",
        "-dictfn", work / "words.dict", "-fdictfn", MODEL / "noisedict", "-ctlfn", work / "names", "-lsnfn",
        work / "transcripts", "-cepdir", work / "mfc", "-cepext", "mfc", "-accumdir", work / "counts", **quiet)
    run(f"{TRAINER}/map_adapt", *shape, "-accumdir", work / "counts", "-mapmeanfn", work / "means", **quiet)
    blend(MODEL / "means", work / "means", here / "means")


if __name__ == "__main__":
    main()
