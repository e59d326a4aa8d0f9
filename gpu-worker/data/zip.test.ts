import { encode as encodeJpeg } from 'jpeg-js';
import { encodeImage } from '../../tabular';
import { zipOf } from '../../bench/families/zip';
import { profileBytes } from './testing/profile-file';

const SIZE = { height: 6, width: 8, channels: 1 } as const;
const picture = (
  value: number,
  size: typeof SIZE | { height: 12; width: 16; channels: 1 } = SIZE,
): Uint8Array => encodeImage(new Uint8Array(size.height * size.width).fill(value), size);
const pictures = (count: number, name: (at: number) => string): Record<string, Uint8Array> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [name(at), picture((at * 5) % 256)]));
const profile = (files: Readonly<Record<string, Uint8Array | string>>, target: string) =>
  profileBytes(zipOf(files), target, { format: 'zip' });

describe('pictures in a zip', () => {
  it('folders are labels, under the name of the target', async () => {
    const files = pictures(40, (at) => `all/${at % 2 === 0 ? 'good' : 'bad'}/${at}.png`);
    const { result, table } = await profile({ ...files, '__MACOSX/all/good/._0.png': 'clutter' }, 'quality');
    expect(result).toMatchObject({ rows: 40, task: 'classification', warnings: [] });
    expect(result.columns.map(({ name, type, image }) => [name, type, image])).toEqual([
      ['image', 'image', SIZE],
      ['quality', 'category', undefined],
    ]);
    const [image] = table.images ?? [];
    expect(image?.pixels).toHaveLength(40 * 48);
    // Rows are in the order of the names: all/bad/1.png is the first.
    expect(image?.pixels[0]).toBe(5);
    expect(table.columns[0]).toMatchObject({ dictionary: ['bad', 'good'] });
  });

  it('an index file brings columns of its own', async () => {
    const files = pictures(30, (at) => `img/${at}.png`);
    const lines = Array.from({ length: 30 }, (_, at) => `${at}.png;${at / 10};${at % 3}`);
    const { result, table } = await profile(
      { ...files, 'labels.csv': `file;weight;grade\n${lines.join('\n')}\n` },
      'grade',
    );
    expect(result.columns.map(({ name, type }) => [name, type])).toEqual([
      ['image', 'image'],
      ['weight', 'number'],
      ['grade', 'category'],
    ]);
    expect(table.rows).toBe(30);
  });

  it('a JPEG among them is a picture, too, and close to its source', async () => {
    const files = pictures(30, (at) => `${at % 2}/b${at}.png`);
    const { data } = encodeJpeg({ data: Buffer.alloc(6 * 8 * 4, 200), width: 8, height: 6 }, 95);
    const { result, table } = await profile({ ...files, '0/a.jpg': data }, 'y');
    expect(result).toMatchObject({ rows: 31, warnings: [] });
    // Rows are in the order of the names: 0/a.jpg is the first.
    const first = table.images?.[0]?.pixels.subarray(0, 48) ?? [];
    expect(first).toHaveLength(48);
    for (const value of first) expect(Math.abs(value - 200)).toBeLessThan(4);
  });

  it('the most common size counts; others are brought to it', async () => {
    const files = pictures(30, (at) => `${at % 2}/${at}.png`);
    const { result } = await profile(
      { ...files, '0/large.png': picture(9, { height: 12, width: 16, channels: 1 }) },
      'y',
    );
    expect(result.rows).toBe(31);
    expect(result.columns[0]?.image).toEqual(SIZE);
  });

  it('a corrupt picture is left out and named; many are refused', async () => {
    const files = pictures(60, (at) => `${at % 2}/${String(at).padStart(2, '0')}.png`);
    const cut = picture(1).subarray(0, 60);
    const { result } = await profile({ ...files, '0/broken.png': cut }, 'y');
    expect(result.rows).toBe(60);
    expect(result.warnings).toEqual([
      expect.objectContaining({
        code: 'MIXED_VALUES',
        column: 'image',
        message: expect.stringContaining('0/broken.png') as string,
      }),
    ]);
    const broken = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`0/x${at}.png`, 'no picture']));
    await expect(profile({ ...files, ...broken }, 'y')).rejects.toMatchObject({
      code: 'BAD_IMAGE',
      message: expect.stringContaining('10 of 70 pictures cannot be read: 0/x0.png') as string,
    });
  });

  it.each([
    ['no picture at all', { 'a.txt': 'x' }, 'NO_ROWS'],
    ['pictures without folder or index', pictures(3, (at) => `${at}.png`), 'NO_ROWS'],
    [
      'an index that names none of them',
      { ...pictures(3, (at) => `${at}.png`), 'i.csv': 'file,y\nz.png,1\n' },
      'BAD_IMAGE',
    ],
    [
      'two index files',
      { ...pictures(3, (at) => `${at}.png`), 'i.csv': 'a,b\n', 'j.csv': 'a,b\n' },
      'UNKNOWN_FORMAT',
    ],
  ])('%s is refused', async (_, files, code) => {
    await expect(profile(files, 'y')).rejects.toMatchObject({ code });
  });

  it('a damaged archive and another format are refused', async () => {
    const zip = zipOf(pictures(4, (at) => `a/${at}.png`));
    await expect(
      profileBytes(zip.subarray(0, zip.length - 30), 'y', { format: 'zip' }),
    ).rejects.toMatchObject({ code: 'UNKNOWN_FORMAT' });
    await expect(profileBytes('a,b\n1,2\n', 'b', { format: 'zip' })).rejects.toMatchObject({
      code: 'UNKNOWN_FORMAT',
    });
    await expect(profileBytes(zip, 'y', { format: 'csv' })).rejects.toMatchObject({ code: 'UNKNOWN_FORMAT' });
  });
});
