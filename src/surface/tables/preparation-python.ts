/** The preparation of a dataset in Python, for the page beside an exported model: the same numbers as `core/images/`. Pure. */
import type {ImageShape} from '../../core/contracts/data.ts';
import type {Step} from '../../core/images/preparation.ts';

/**
 * A function `load(path)` and what it needs, of Pillow and numpy: file → float32 (height, width, channels) in [0, 1]. Decoding
 * does what `decodeImage` does. Of `area` a mean exactly between two values may be rounded otherwise; the rest is equal.
 */
export function pythonOf(steps: readonly Step[], {height, width, channels}: ImageShape): string {
  const usesArea = steps.some((step) => 'interpolation' in step && step.interpolation === 'area');
  const grey = channels === 1;
  return `${usesArea ? area : ''}def load(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):  # 16 bits: the upper 8
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = image.convert("RGB")
    if image.size != (${width}, ${height}):
${steps.map((step) => indented(lineOf(step))).join('\n')}
    return np.asarray(${grey ? 'image.convert("L")' : 'image'}, dtype=np.float32)${grey ? '[..., np.newaxis]' : ''} / 255
`;
}

const area = `def shares(count, size):  # of every pixel in each of the larger ones
    scale = count / size
    place = np.arange(size)[:, np.newaxis]
    begin, end = place * scale, np.minimum(count, (place + 1) * scale)
    pixel = np.arange(count)
    return np.clip(np.minimum(end, pixel + 1) - np.maximum(begin, pixel), 0, None) / (end - begin)


def area(image, size):  # the mean of what a pixel covers, OpenCV's INTER_AREA
    width, height = size
    across = np.tensordot(shares(image.width, width), np.asarray(image), axes=(1, 1)).astype(np.float32)
    both = np.tensordot(shares(image.height, height), across, axes=(1, 1))
    return Image.fromarray(np.rint(both).clip(0, 255).astype(np.uint8))


`;

const indented = (code: string): string => code.replaceAll(/^/gm, '        ');

/** Changes \`image\`, a Pillow image. */
function lineOf(step: Step): string {
  switch (step.step) {
    case 'expect-size':
      return `if image.size != (${step.width}, ${step.height}):
    raise ValueError(f"{path}: expected ${step.width} x ${step.height} pixels, but it has {image.width} x {image.height}")`;
    case 'trim': {
      const {of} = step;
      const rows = (pixels: number): string => `int(${pixels} * image.height / ${of.height} + 0.5)`;
      const columns = (pixels: number): string => `int(${pixels} * image.width / ${of.width} + 0.5)`;
      return `left, top = ${columns(step.left)}, ${rows(step.top)}
right, bottom = image.width - ${columns(step.right)}, image.height - ${rows(step.bottom)}
image = image.crop((left, top, right, bottom))`;
    }
    case 'resize':
      return `image = ${resize(`(${step.width}, ${step.height})`, step.interpolation)}`;
    case 'resize-short-side': {
      const {side, interpolation} = step;
      return `short = min(image.size)
image = ${resize(`(${side} * image.width // short, ${side} * image.height // short)`, interpolation)}`;
    }
    case 'crop-middle':
      return `left, top = (image.width - ${step.width}) // 2, (image.height - ${step.height}) // 2
image = image.crop((left, top, left + ${step.width}, top + ${step.height}))`;
    case 'frame':
      return `frame = Image.new("RGB", (${step.width}, ${step.height}))
frame.paste(image, ((${step.width} - image.width) // 2, (${step.height} - image.height) // 2))
image = frame`;
  }
}

const resize = (size: string, interpolation: 'area' | 'bicubic'): string =>
  interpolation === 'area' ? `area(image, ${size})` : `image.resize(${size}, Image.Resampling.BICUBIC)`;
