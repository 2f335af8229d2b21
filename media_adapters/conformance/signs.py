"""Pictures and sounds that tell who sent them: each track shows a colour or plays a tone of its own.

A frame that arrives proves little: it may be somebody else's. So what is decoded is recognised.
"""

import asyncio
import fractions
import itertools
import math
import time
from array import array
from collections import deque

from aiortc import MediaStreamTrack
from av import AudioFrame, VideoFrame

COUNT = 24
"""How many signs there are; more tracks than these in a room share them."""

FRAMES_PER_SECOND = 15
SAMPLE_RATE = 48_000
_SAMPLES = SAMPLE_RATE // 50  # 20 ms

_LEVELS = (48, 88, 128, 168, 208)
_COLOURS = [(u, v) for u in _LEVELS for v in _LEVELS if (u, v) != (128, 128)]
_TONES = [300 + 50 * number for number in range(COUNT)]
"""In Hz. Multiples of 50, so that each 20 ms hold whole waves and one piece of sound is like the next."""

_HEARD = 5
"""Pieces of sound, each of 20 ms, that a tone is recognised by."""
_QUIET = 0.03
"""Of full scale."""


class Camera(MediaStreamTrack):
    """A picture of one colour whose brightness moves, 15 frames a second."""

    kind = "video"

    def __init__(self, sign: int = 0, width: int = 64, height: int = 48) -> None:
        super().__init__()
        self._sign = sign
        self._size = (width, height)
        self._numbers = itertools.count()
        self._began = time.monotonic()

    async def recv(self) -> VideoFrame:
        number = next(self._numbers)
        await asyncio.sleep(max(0.0, self._began + number / FRAMES_PER_SECOND - time.monotonic()))
        return picture(self._sign, number, *self._size)


class Microphone(MediaStreamTrack):
    """A tone that never ends."""

    kind = "audio"

    def __init__(self, sign: int = 0) -> None:
        super().__init__()
        self._piece = _wave(_TONES[sign % COUNT])
        self._numbers = itertools.count()
        self._began = time.monotonic()

    async def recv(self) -> AudioFrame:
        number = next(self._numbers)
        await asyncio.sleep(max(0.0, self._began + number / 50 - time.monotonic()))
        frame = AudioFrame(format="s16", layout="mono", samples=_SAMPLES)
        frame.planes[0].update(self._piece)
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = number * _SAMPLES, fractions.Fraction(1, SAMPLE_RATE)
        return frame


def picture(sign: int, number: int, width: int, height: int) -> VideoFrame:
    """The `number`-th frame of the colour `sign`."""
    frame = VideoFrame(width=width, height=height, format="yuv420p")
    for plane, level in zip(frame.planes, (64 + number * 5 % 128, *_COLOURS[sign % COUNT]), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    # one clock for all cameras: an encoder that goes on with another camera wants its time to grow
    frame.pts, frame.time_base = int(time.monotonic() * 90_000), fractions.Fraction(1, 90_000)
    return frame


class Recognition:
    """Whose frames these are. One per received m-section."""

    def __init__(self) -> None:
        self._crossings: deque[int] = deque(maxlen=_HEARD)
        self._last = 0.0

    def sign(self, frame: VideoFrame | AudioFrame) -> int | None:
        """The sign's number; None for silence, and for sound that is too short to tell."""
        if isinstance(frame, VideoFrame):
            return _colour(frame)
        return self._tone(frame)

    def _tone(self, frame: AudioFrame) -> int | None:
        samples = _first_channel(frame)
        if max(samples, default=0) < _QUIET:
            self._crossings.clear()
            return None
        joined = [self._last, *samples]  # a wave that ends with one piece would else lose a crossing in each
        self._crossings.append(sum((one < 0) != (two < 0) for one, two in itertools.pairwise(joined)))
        self._last = samples[-1]
        if len(self._crossings) < _HEARD:
            return None
        hertz = sum(self._crossings) * 50 / (2 * _HEARD)
        return min(range(COUNT), key=lambda sign: abs(_TONES[sign] - hertz))


def _first_channel(frame: AudioFrame) -> list[float]:
    """Samples between -1 and 1. WebRTC's decoder gives 16 bits interleaved, FFmpeg's own floats by channel."""
    if frame.format.name == "fltp":
        return list(array("f", bytes(frame.planes[0])[: frame.samples * 4]))
    channels = len(frame.layout.channels)
    return [value / 32_768 for value in array("h", bytes(frame.planes[0])[: frame.samples * channels * 2])[::channels]]


def _colour(frame: VideoFrame) -> int:
    u, v = (_middle(frame, plane) for plane in (1, 2))
    return min(range(COUNT), key=lambda sign: math.dist(_COLOURS[sign], (u, v)))


def _middle(frame: VideoFrame, plane: int) -> float:
    """The mean of the plane's middle row."""
    width, stride = frame.planes[plane].width, frame.planes[plane].line_size
    start = frame.planes[plane].height // 2 * stride
    row = bytes(frame.planes[plane])[start : start + width]
    return sum(row) / width


def _wave(hertz: int) -> bytes:
    return array(
        "h", (int(12_000 * math.sin(2 * math.pi * hertz * at / SAMPLE_RATE)) for at in range(_SAMPLES))
    ).tobytes()
