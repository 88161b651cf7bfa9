"""Writes test/fixtures/images/: small JPEG and PNG files of every kind, and what PIL, OpenCV and numpy make of them.

Run from the root of the repository, with numpy, Pillow and OpenCV (made with 2.4, 12.3 and 5.0):
    python3 scripts/make-image-fixtures.py
"""

import hashlib
import json
import pathlib

import cv2
import numpy as np
from PIL import Image

folder = pathlib.Path("test/fixtures/images")
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(3)
noise = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
rows, columns = np.mgrid[0:46, 0:37]
smooth = np.stack([rows * 5, columns * 6, (rows + columns) * 3], axis=2).astype(np.uint8)

Image.fromarray(noise).save(folder / "rgb.png")
Image.fromarray(noise[:, :, 0]).save(folder / "grey.png")
Image.fromarray(rng.integers(0, 65536, (5, 4)).astype(np.uint16)).save(folder / "grey16.png")
cv2.imwrite(str(folder / "rgb16.png"), rng.integers(0, 65536, (5, 4, 3)).astype(np.uint16))
Image.fromarray(np.dstack([noise, noise[:, :, :1]])).save(folder / "rgba.png")
Image.fromarray(noise[:, :, :2], "LA").save(folder / "grey-alpha.png")
Image.fromarray(noise).quantize(16).save(folder / "palette.png")
Image.fromarray(noise[:, :, 0] > 128).save(folder / "bits.png")
Image.fromarray(smooth).save(folder / "plain.jpg", quality=95)
Image.fromarray(smooth).convert("L").save(folder / "grey.jpg")
Image.fromarray(smooth).save(folder / "progressive.jpg", progressive=True)
exif = Image.Exif()
exif[0x0112] = 6  # to be turned by 90 degrees
Image.fromarray(smooth).save(folder / "turned.jpg", quality=95, exif=exif)


def decoded(path):
    if path.stem.endswith("16"):  # PIL clips these instead of cutting them
        deep = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        deep = deep[:, :, ::-1] if deep.ndim == 3 else np.repeat(deep[:, :, None], 3, axis=2)
        return (deep >> 8).astype(np.uint8)
    image = Image.open(path)
    if path.stem == "turned":
        image = image.transpose(Image.Transpose.ROTATE_270)
    return np.asarray(image.convert("RGB"))


def resized(array, height, width):
    area = cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA)
    bicubic = np.asarray(Image.fromarray(array).resize((width, height), Image.Resampling.BICUBIC))
    return {"height": height, "width": width, "area": area.ravel().tolist(), "bicubic": bicubic.ravel().tolist()}


def digest(n, *, calls=1):
    state = np.random.RandomState(0)
    for _ in range(calls):
        order = state.permutation(n)
    return {
        "n": n,
        "calls": calls,
        "begins": order[:8].tolist(),
        "sha256": hashlib.sha256(order.astype("<i4").tobytes()).hexdigest(),
    }


fixtures = {
    "decoded": {
        path.name: {"height": a.shape[0], "width": a.shape[1], "pixels": a.ravel().tolist()}
        for path in sorted(folder.glob("*.*g"))
        for a in [decoded(path)]
    },
    "resized": {
        "from": {"height": 9, "width": 7, "pixels": noise.ravel().tolist()},
        "to": [resized(noise, *size) for size in [(4, 3), (3, 7), (9, 2), (16, 15), (1, 1), (18, 14)]],
    },
    # RandomState(0).permutation(n), the legacy generator; the second call goes on where the first one ended
    "permutations": [digest(1), digest(2), digest(10), digest(600), digest(12500), digest(12500, calls=2)],
}
(folder / "expected.json").write_text(json.dumps(fixtures) + "\n")
