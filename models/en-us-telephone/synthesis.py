"""Synthetic speakers for training: espeak-ng's and flite's libraries, called in this process, and festival's voices.

Debian packages: libespeak-ng1 espeak-ng-data libflite1 festival festvox-kdlpc16k festvox-us-slt-hts. Python packages:
numpy.
"""

import ctypes
import pathlib
import subprocess
import tempfile
import wave

import numpy as np

RATE = 8000
# Of espeak-ng: accents, and variants of the speaker. The judges' accents (en-029, en-gb-scotland) and speakers
# (en-us+f3, en-gb+m7) are not among them, and no variant f3 or m7 of any accent; nor is what whispers, croaks or is a robot.
ACCENTS = "en-us en-us en-gb en-gb-x-rp en-gb-x-gbclan en-gb-x-gbcwmd en-us-nyc".split()
VARIANTS = """m1 m2 m3 m4 m5 m6 m8 f1 f2 f4 f5 klatt klatt2 klatt3 klatt4 Alex Alicia Andrea Andy Annie Denis Diogo Gene
Gene2 Jacky Lee Marco Mario Michael Mike adam anika antonio aunty belinda benjamin boris caleb david ed edward edward2
gustave iven iven2 john kaukovalta linda marcelo max michel miguel norbert pablo paul pedro quincy rob robert sandro
shelby steph steph2 steph3 travis victor zac""".split()
# Of flite: not the judges' awb and kal16, nor kal, who is the same speaker.
FLITE = ["slt", "rms"]
# Of festival: not kal, the judges' speaker.
FESTIVAL = ["ked_diphone", "cmu_us_slt_arctic_hts"]
# Of espeak-ng, speakers for choosing what the network's word counts for; never trained on.
DEVELOPMENT = [("en-us", "m2"), ("en-gb", "f5"), ("en-gb-x-rp", "Andy"), ("en-us-nyc", "steph"), ("en-gb-x-gbclan", "linda")]
DEVELOPMENT_VARIANTS = {variant for _, variant in DEVELOPMENT}
# A further one, whose recordings a network for that choice alone is trained without.
DEVELOPMENT_NATURAL = "ked_diphone"


class Espeak:
    """espeak-ng."""

    def __init__(self):
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        # 2: samples are handed over while the call lasts.
        self.rate = self.library.espeak_Initialize(2, 0, None, 0)
        self.heard, self.said = [], {}
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.callback = kind(self._hear)
        self.library.espeak_SetSynthCallback(self.callback)

    def _hear(self, samples, count, _events):
        if samples and count:
            self.heard.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32))
        return 0

    def sounds(self, accent, text):
        """How an accent says it: phonemes in ASCII."""
        self.library.espeak_SetVoiceByName(accent.encode())
        self.library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        data = ctypes.c_char_p(text.encode())
        return self.library.espeak_TextToPhonemes(ctypes.byref(data), 1, 0)

    def phrases(self, accent, phrases):
        """How an accent says each of these."""
        if accent not in self.said:
            self.said[accent] = {self.sounds(accent, phrase) for phrase in phrases}
        return self.said[accent]

    def speak(self, accent, variant, text, speed, pitch, liveliness):
        """Samples of `self.rate`. Speed in words a minute; pitch and liveliness from 0 to 100, 50 is the voice's own."""
        self.library.espeak_SetVoiceByName(f"{accent}+{variant}".encode())
        for parameter, value in ((1, speed), (3, pitch), (4, liveliness)):
            self.library.espeak_SetParameter(parameter, value, 0)
        self.heard = []
        data = text.encode() + b"\0"
        self.library.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 1, 0, 1, None, None)
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.float32)


class _Wave(ctypes.Structure):
    _fields_ = [("type", ctypes.c_char_p), ("sample_rate", ctypes.c_int), ("num_samples", ctypes.c_int),
                ("num_channels", ctypes.c_int), ("samples", ctypes.POINTER(ctypes.c_short))]


class Flite:
    """flite."""

    def __init__(self):
        self.library = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
        for name in ("usenglish", "cmulex"):
            ctypes.CDLL(f"libflite_{name}.so.1", mode=ctypes.RTLD_GLOBAL)
        self.library.flite_init()
        self.library.flite_text_to_wave.restype = ctypes.POINTER(_Wave)
        self.library.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        self.library.feat_set_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]
        self.library.delete_wave.argtypes = [ctypes.c_void_p]
        self.voices = {}
        for name in FLITE:
            voice = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1")
            register = getattr(voice, f"register_cmu_us_{name}")
            register.restype, register.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
            self.voices[name] = register(None)

    def speak(self, name, text, slowness):
        """Rate and samples."""
        # A voice begins with its name and its features.
        features = ctypes.cast(self.voices[name], ctypes.POINTER(ctypes.c_void_p))[1]
        self.library.feat_set_float(features, b"duration_stretch", slowness)
        wave = self.library.flite_text_to_wave(text.encode(), self.voices[name])
        content = wave.contents
        samples = np.ctypeslib.as_array(content.samples, (content.num_samples,)).astype(np.float32)
        rate = content.sample_rate
        self.library.delete_wave(wave)
        return rate, samples


class Festival:
    """festival, in a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen(["festival", "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "said.wav"

    def speak(self, name, text, slowness):
        """Rate and samples."""
        self.process.stdin.write(f'''(voice_{name}) (Parameter.set 'Duration_Stretch {slowness})
            (utt.save.wave (utt.synth (Utterance Text "{text}")) "{self.path}" 'riff) (format t "done\\n") (fflush nil)\n''')
        self.process.stdin.flush()
        while self.process.stdout.readline().strip() != "done":
            if self.process.poll() is not None:
                raise RuntimeError(f"festival cannot say {text!r}")
        with wave.open(str(self.path)) as file:
            return file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)


def cropped(samples):
    """Without the silence around it."""
    loud = np.nonzero(np.abs(samples) > np.abs(samples).max(initial=0) / 50)[0]
    return samples[loud[0]:loud[-1] + 1] if len(loud) else samples[:0]


def with_other_throat(samples, rate, factors):
    """The same, as if the resonances stood elsewhere: at 600, 1800 and 3000 Hz by these factors; the pitch stays."""
    size = 512 if rate <= 16000 else 1024
    step, window = size // 4, np.hanning(size + 1)[:-1]
    padded = np.pad(samples, (size, 2 * size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::step] * window
    spectra = np.fft.rfft(frames)
    loudness = np.log(np.abs(spectra) + 1e-4 * np.abs(spectra).max() + 1)
    cepstra = np.fft.irfft(loudness)
    # What is left of the spectrum without the pitch.
    kept = int(0.0016 * rate)
    cepstra[:, kept:-kept + 1] = 0
    envelopes = np.fft.rfft(cepstra).real
    bins = np.arange(size // 2 + 1)
    hertz = bins * rate / size
    knots = np.array([0, 600, 1800, 3000, rate / 2])
    moved = np.interp(hertz, knots * np.array([1, *factors, 1]), knots) * size / rate
    low = np.minimum(moved.astype(int), size // 2 - 1)
    share = moved - low
    warped = envelopes[:, low] * (1 - share) + envelopes[:, low + 1] * share
    changed = np.fft.irfft(spectra * np.exp(np.clip(warped - envelopes, -3, 3))) * window
    result = np.zeros(len(padded))
    for part in range(4):
        row = changed[part::4].reshape(-1)
        result[part * step:part * step + len(row)] += row
    return (result[size:size + len(samples)] / 1.5).astype(np.float32)
