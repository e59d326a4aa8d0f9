import { encode as encodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { bytesOfBase64, decodeImage, encodeImage, imageHead, parseCell } from '.';

const grey = (height: number, width: number) => ({ height, width, channels: 1 }) as const;
const pixelsOf = (bytes: Uint8Array, size: Parameters<typeof decodeImage>[1]): number[] => {
  const decoded = decodeImage(bytes, size);
  if (!decoded.ok) throw new Error(decoded.problem);
  return [...decoded.pixels];
};

describe('pictures', () => {
  it('a PNG decodes to exactly the pixels that it was made of, in grey and in colour', () => {
    const pixels = Uint8Array.from({ length: 60 }, (_, at) => (at * 37) % 256);
    expect(
      pixelsOf(encodeImage(pixels, { height: 4, width: 5, channels: 3 }), {
        height: 4,
        width: 5,
        channels: 3,
      }),
    ).toEqual([...pixels]);
    const shades = pixels.subarray(0, 20);
    expect(pixelsOf(encodeImage(shades, grey(4, 5)), grey(4, 5))).toEqual([...shades]);
  });

  it('heads tell format, size and colour before anything is decoded', () => {
    expect(imageHead(encodeImage(new Uint8Array(6), grey(2, 3)))).toEqual({
      format: 'png',
      height: 2,
      width: 3,
      grey: true,
    });
    const jpeg = encodeJpeg({ data: Buffer.alloc(8 * 16 * 4, 200), width: 16, height: 8 }, 90).data;
    expect(imageHead(jpeg)).toEqual({ format: 'jpeg', height: 8, width: 16, grey: false });
    expect(imageHead(Buffer.from('GIF89a'))).toBeUndefined();
    expect(imageHead(new Uint8Array(0))).toBeUndefined();
  });

  it('a JPEG comes close to its source', () => {
    const jpeg = encodeJpeg({ data: Buffer.alloc(8 * 8 * 4, 200), width: 8, height: 8 }, 95).data;
    for (const value of pixelsOf(jpeg, grey(8, 8))) expect(Math.abs(value - 200)).toBeLessThan(4);
  });

  it('a smaller size averages the area, a larger one interpolates', () => {
    const checks = encodeImage(Uint8Array.of(0, 100, 200, 40, 0, 100, 200, 40), grey(2, 4));
    expect(pixelsOf(checks, grey(1, 2))).toEqual([50, 120]);
    expect(pixelsOf(encodeImage(Uint8Array.of(0, 100), grey(1, 2)), grey(1, 4))).toEqual([0, 25, 75, 100]);
  });

  it('what is transparent stands on black', () => {
    const png = new PNG({ width: 1, height: 1 });
    png.data.set([255, 255, 255, 0]);
    expect(pixelsOf(PNG.sync.write(png), grey(1, 1))).toEqual([0]);
  });

  it('a cut, a damaged and an immense picture are told apart, and none is decoded at length', () => {
    const png = encodeImage(new Uint8Array(100), grey(10, 10));
    expect(decodeImage(png.subarray(0, png.length - 20), grey(2, 2))).toEqual({
      ok: false,
      problem: 'corrupt',
    });
    const immense = Buffer.from(png);
    immense.writeUInt32BE(100_000, 16);
    immense.writeUInt32BE(100_000, 20);
    expect(decodeImage(immense, grey(2, 2))).toEqual({ ok: false, problem: 'too-large' });
    expect(decodeImage(Buffer.from('text'), grey(2, 2))).toEqual({ ok: false, problem: 'not-an-image' });
    for (let at = 30; at < png.length; at += 7) {
      const damaged = Buffer.from(png);
      damaged[at] ^= 0xff;
      expect(() => decodeImage(damaged, grey(2, 2))).not.toThrow();
    }
  });

  it('cells take base64, with or without the head of a data URL', () => {
    const spec = { v: 1, name: 'image', type: 'image', missing: [] } as const;
    const text = Buffer.from(encodeImage(new Uint8Array(4), grey(2, 2))).toString('base64');
    const cell = (raw: string) => parseCell({ ...spec, missing: [] }, raw);
    expect(cell(text)).toEqual({ ok: true, value: text });
    expect(cell(`data:image/png;base64,${text}`).ok).toBe(true);
    expect(cell('')).toEqual({ ok: true, value: null });
    for (const wrong of ['hello', 'aGVsbG8=', '!!!'])
      expect(cell(wrong)).toMatchObject({ ok: false, expected: 'a PNG or JPEG picture in base64' });
    expect(bytesOfBase64(`data:image/png;base64,${text}`)).toEqual(Buffer.from(text, 'base64'));
  });
});
