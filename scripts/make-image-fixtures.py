"""Writes test/fixtures/images/: small files of every kind of image, and what PIL, OpenCV and numpy make of them.

Run from the root of the repository, with numpy, Pillow and OpenCV (made with 2.4, 12.3 and 5.0):
    python3 scripts/make-image-fixtures.py
"""

import hashlib
import json
import pathlib
import struct

import cv2
import numpy as np
from PIL import Image, ImageOps

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

# Ink, and what is neither JPEG nor PNG.
small = np.random.default_rng(4)
inks = Image.fromarray(np.dstack([smooth, np.flip(smooth[:, :, :1])])[:24, :20].copy(), "CMYK")
inks.save(folder / "inks.jpg", quality=95)
inks.save(folder / "inks.tif")
Image.fromarray(noise).save(folder / "rgb.tif")
Image.fromarray(noise[:, :, 0]).save(folder / "grey.tif", compression="tiff_lzw")
Image.fromarray(noise).quantize(16).save(folder / "palette.tif")
Image.fromarray(noise[:, :, 0] > 128).save(folder / "bits.tif", compression="group4")
Image.fromarray(np.dstack([noise, noise[:, :, :1]])).save(folder / "rgba.tif")
cv2.imwrite(str(folder / "grey16.tif"), small.integers(0, 65536, (5, 4)).astype(np.uint16))
cv2.imwrite(str(folder / "rgb16.tif"), small.integers(0, 65536, (5, 4, 3)).astype(np.uint16))
Image.fromarray(noise).save(folder / "turned.tif", exif=exif)
Image.fromarray(smooth).save(folder / "lossy.webp", quality=80)
Image.fromarray(np.dstack([noise, noise[:, :, :1]])).save(folder / "rgba.webp", lossless=True, exact=True)
Image.fromarray(noise).save(folder / "rgb.bmp")
Image.fromarray(noise[:, :, 0]).save(folder / "grey.bmp")
Image.fromarray(noise).quantize(16).save(folder / "palette.bmp")
Image.fromarray(noise[:, :, 0] > 128).save(folder / "bits.bmp")

# What readers do not agree on.
refused = folder / "refused"
refused.mkdir(exist_ok=True)
Image.fromarray(small.random((3, 2), dtype=np.float32)).save(refused / "fractions.tif")
Image.fromarray(noise).convert("LAB").save(refused / "lab.tif")
Image.fromarray(noise).save(refused / "pages.tif", save_all=True, append_images=[Image.fromarray(noise)])
Image.fromarray(noise).save(
    refused / "frames.webp", save_all=True, append_images=[Image.fromarray(noise).rotate(180)], lossless=True
)
pixels = small.integers(0, 32768, (3, 2)).astype("<u2")
header = struct.pack("<2sIHHI", b"BM", 54 + pixels.nbytes, 0, 0, 54)
header += struct.pack("<IiiHHIIiiII", 40, 2, 3, 1, 16, 0, pixels.nbytes, 2835, 2835, 0, 0)
(refused / "five-bits.bmp").write_bytes(header + pixels.tobytes())


def decoded(path):
    if path.stem.endswith("16"):  # PIL clips these instead of cutting them
        deep = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        deep = deep[:, :, ::-1] if deep.ndim == 3 else np.repeat(deep[:, :, None], 3, axis=2)
        return (deep >> 8).astype(np.uint8)
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))


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
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix != ".json"
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
