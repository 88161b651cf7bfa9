import {readFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {decodeImage, ImageError} from '../../../src/core/images/codec.ts';
import {imageFixture, imageFixtures} from '../../rig/images.ts';

const read = (name: string): Buffer => readFileSync(imageFixture(name));

test.for(Object.entries(imageFixtures.decoded))('%s is decoded as PIL and OpenCV do', async ([name, expected]) => {
  const {height, width, pixels} = await decodeImage(read(name));
  expect({height, width, pixels: [...pixels]}).toEqual(expected);
});

const came = async (bytes: Uint8Array): Promise<string> => {
  const error: unknown = await decodeImage(bytes).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ImageError);
  return (error as ImageError).message;
};

describe('incomplete images are refused', () => {
  test('with what came', async () => {
    expect(await came(new Uint8Array())).toMatchInlineSnapshot(`"it is empty"`);
    expect(await came(Buffer.from('%PDF-1.4'))).toMatchInlineSnapshot(`"it is not JPEG, PNG, WebP, TIFF or BMP"`);
    expect(await came(Buffer.from('GIF89a and so on'))).toMatchInlineSnapshot(`"it is GIF, which is not read"`);
    expect(await came(Buffer.from('\0\0\0\x18ftypheic'))).toMatchInlineSnapshot(
      `"it is HEIC or AVIF, which is not read"`,
    );
    expect(await came(read('rgb.png').subarray(0, 20))).toMatchInlineSnapshot(
      `"it cannot be decoded as PNG (the file is incomplete)"`,
    );
    expect(await came(read('plain.jpg').subarray(0, 20))).toMatchInlineSnapshot(
      `"it cannot be decoded as JPEG (the file is cut off)"`,
    );
    const {length} = read('plain.jpg');
    expect(await came(read('plain.jpg').subarray(0, length - 100))).toMatchInlineSnapshot(
      `"it cannot be decoded as JPEG (the file is cut off)"`,
    );
    const damaged = Buffer.from(read('rgb.png'));
    damaged[60]! ^= 0xff;
    expect(await came(damaged)).toMatchInlineSnapshot(`"it cannot be decoded as PNG (vipspng: libpng read error)"`);
  });

  test.for([
    'plain.jpg',
    'progressive.jpg',
    'grey.jpg',
    'rgb.png',
    'grey16.png',
    'palette.png',
    'rgb.tif',
    'inks.tif',
    'palette.bmp',
    'lossy.webp',
  ])('%s, cut anywhere', async (name) => {
    const whole = read(name);
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
      await came(whole.subarray(0, Math.floor(whole.length * share)));
  });
});

test('what readers do not agree on is refused', async () => {
  expect(await came(read('refused/fractions.tif'))).toMatchInlineSnapshot(`"its values are of type float"`);
  expect(await came(read('refused/lab.tif'))).toMatchInlineSnapshot(
    `"it cannot be decoded as TIFF (Input buffer has corrupt header: image: bad labq format)"`,
  );
  expect(await came(read('refused/pages.tif'))).toMatchInlineSnapshot(`"it has 2 pages, but one image is needed"`);
  expect(await came(read('refused/frames.webp'))).toMatchInlineSnapshot(`"it has 2 pages, but one image is needed"`);
  expect(await came(read('refused/five-bits.bmp'))).toMatchInlineSnapshot(`"it has 16 bits a pixel"`);
});
