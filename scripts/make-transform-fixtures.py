"""Writes test/fixtures/transforms.json: what TensorFlow makes of a small image, to hold our transforms against.

Run from the root of the repository, with TensorFlow 2 for Python (made with 2.21):
    python3 scripts/make-transform-fixtures.py
"""

import json
import pathlib

import numpy as np
import tensorflow as tf

HEIGHT, WIDTH = 6, 5
# Beyond [0, 1], as after a shift of brightness; four decimals, so that the file says exactly what was used.
image = np.round(np.random.default_rng(7).uniform(-0.3, 1.3, (HEIGHT, WIDTH, 3)), 4).astype(np.float32)
image[0, 0] = [-0.3, -0.1, -0.2]  # nothing above 0
image[0, 1] = [0.5, 0.5, 0.5]  # grey
image[0, 2] = [0.9, 0.2, 0.2]  # two equal channels
image[0, 3] = [0.2, 0.8, 0.8]


def numbers(array):
    return [round(float(value), 7) for value in np.asarray(array).ravel()]


def crop(top, left, height, width, to):
    resized = tf.image.resize(image[top : top + height, left : left + width], to, method="bilinear", antialias=False)
    return {"window": {"top": top, "left": left, "height": height, "width": width}, "to": to, "out": numbers(resized)}


def blur(sigma, radius):
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    taps /= taps.sum()
    padded = np.pad(image.astype(np.float64), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    kernel = np.repeat(np.outer(taps, taps)[:, :, None, None], 3, axis=2)
    out = tf.nn.depthwise_conv2d(padded[None], kernel, strides=[1, 1, 1, 1], padding="VALID")
    return {"sigma": sigma, "radius": radius, "out": numbers(out)}


fixtures = {
    "tensorflow": tf.__version__,
    "height": HEIGHT,
    "width": WIDTH,
    "image": numbers(image),
    "crop": [crop(0, 0, 6, 5, [6, 5]), crop(1, 2, 3, 3, [6, 6]), crop(2, 0, 4, 5, [7, 3]), crop(3, 4, 1, 1, [2, 2])],
    "turn": [{"k": k, "out": numbers(tf.image.rot90(image, k))} for k in (0, 1, 2, 3)],
    "flipHorizontal": numbers(tf.image.flip_left_right(image)),
    "flipVertical": numbers(tf.image.flip_up_down(image)),
    "brightness": [{"by": by, "out": numbers(tf.image.adjust_brightness(image, by))} for by in (-0.4, 0.25)],
    "contrast": [{"by": by, "out": numbers(tf.image.adjust_contrast(image, by))} for by in (0.6, 1.4)],
    "saturation": [{"by": by, "out": numbers(tf.image.adjust_saturation(image, by))} for by in (0.6, 1.0, 1.4)],
    "hue": [{"by": by, "out": numbers(tf.image.adjust_hue(image, by))} for by in (-0.4, -0.05, 0.0, 0.17, 0.4)],
    "grey": numbers(np.repeat(image.astype(np.float64) @ [[0.299], [0.587], [0.114]], 3, axis=2)),
    "blur": [blur(0.5, 1), blur(1.7, 3)],
}

path = pathlib.Path("test/fixtures/transforms.json")
path.parent.mkdir(parents=True, exist_ok=True)
lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in fixtures.items())
path.write_text(f"{{\n{lines}\n}}\n")
