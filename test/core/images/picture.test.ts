import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {cropped, decodeImage, ImageError, resized} from '../../../src/core/images/picture.ts';
import {imageFixture, imageFixtures} from '../../rig/images.ts';

const read = (name: string): Buffer => readFileSync(imageFixture(name));

test.for(Object.entries(imageFixtures.decoded))('%s is decoded as PIL and OpenCV do', async ([name, expected]) => {
  const {height, width, pixels} = await decodeImage(read(name));
  expect({height, width, pixels: [...pixels]}).toEqual(expected);
});

describe('incomplete images are refused', () => {
  const came = async (bytes: Uint8Array): Promise<string> => {
    const error: unknown = await decodeImage(bytes).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ImageError);
    return (error as ImageError).message;
  };

  test('with what came', async () => {
    expect(await came(new Uint8Array())).toMatchInlineSnapshot(`"it is empty"`);
    expect(await came(Buffer.from('GIF89a and so on'))).toMatchInlineSnapshot(`"it is neither JPEG, PNG nor WebP"`);
    expect(await came(read('rgb.png').subarray(0, 20))).toMatchInlineSnapshot(
      `"it cannot be decoded as PNG (the file is incomplete)"`,
    );
    expect(await came(read('plain.jpg').subarray(0, 20))).toMatchInlineSnapshot(
      `"it cannot be decoded as JPEG (Input buffer has corrupt header: VipsJpeg: premature end of JPEG image)"`,
    );
    const {length} = read('plain.jpg');
    expect(await came(read('plain.jpg').subarray(0, length - 100))).toMatchInlineSnapshot(
      `"it cannot be decoded as JPEG (VipsJpeg: premature end of JPEG image)"`,
    );
    const damaged = Buffer.from(read('rgb.png'));
    damaged[60]! ^= 0xff;
    expect(await came(damaged)).toMatchInlineSnapshot(`"it cannot be decoded as PNG (vipspng: libpng read error)"`);
  });

  test.for(['plain.jpg', 'progressive.jpg', 'grey.jpg', 'rgb.png', 'grey16.png', 'palette.png'])(
    '%s, cut anywhere',
    async (name) => {
      const whole = read(name);
      for (const share of [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
        await came(whole.subarray(0, Math.floor(whole.length * share)));
    },
  );
});

const {from, to} = imageFixtures.resized;
const picture = {...from, pixels: Uint8Array.from(from.pixels)};

test.for(to)('$height × $width is resized as OpenCV (area) and PIL (bicubic) do', (expected) => {
  const bicubic = resized(picture, expected.height, expected.width, 'bicubic');
  expect([...bicubic.pixels]).toEqual(expected.bicubic);
  // OpenCV sums in 32 bits, and enlarges with weights of 11 bits.
  const area = resized(picture, expected.height, expected.width, 'area');
  const off = [...area.pixels].map((value, i) => Math.abs(value - expected.area[i]!));
  expect(Math.max(...off)).toBeLessThanOrEqual(1);
  expect(off.filter((by) => by > 0).length).toBeLessThanOrEqual(off.length / 20);
});

test('resizing to one pixel gives the mean of the image', () => {
  const pixels = Uint8Array.from({length: 640 * 480 * 3}, (_, i) => (i % 3 === 0 ? 10 : (Math.floor(i / 3) % 2) * 200));
  expect([...resized({height: 480, width: 640, pixels}, 1, 1, 'area').pixels]).toEqual([10, 100, 100]);
});

test('a crop is the window; a window beyond the edge is refused', () => {
  const window = {top: 2, left: 1, height: 3, width: 4};
  const part = cropped(picture, window);
  const at = (y: number, x: number): readonly number[] => from.pixels.slice((y * 7 + x) * 3, (y * 7 + x) * 3 + 3);
  expect([...part.pixels.subarray(0, 3)]).toEqual(at(2, 1));
  expect([...part.pixels.subarray(-3)]).toEqual(at(4, 4));
  expect(() => cropped(picture, {...window, top: 7})).toThrow('beyond');
});
