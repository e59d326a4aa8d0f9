/** Pictures in a zip, labelled by their folder or by an index file beside them, as rows of table `raw`. */
import type { Readable } from 'node:stream';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { Failure } from '../../contracts';
import type { ColumnSpec } from '../../contracts';
import { LIMITS, chooseDelimiter, decodeImage, encodeImage, imageHead, records } from '../../tabular';
import type { ImageHead, ImageSize } from '../../tabular';
import type { Duck } from './duck';
import type { RawTable } from './raw-table';
import { checkedNames } from './scan';

const PICTURE = /\.(png|jpe?g)$/i;
const INDEX = /\.(csv|tsv)$/i;
/** What systems add beside the files of a folder. */
const CLUTTER = /(^|\/)(__MACOSX\/|\.|Thumbs\.db$)/i;
const MOST_ENTRIES = 1_000_000;
/** More pictures than this share that cannot be read are no accident. */
const MOST_CORRUPT = 0.05;
const NAMED = 5;
/** The head of a picture lies in its first bytes. */
const HEAD_BYTES = 65_536;

interface Picture {
  readonly entry: Entry;
  readonly head: ImageHead;
}

/** `target` names the label column where folders are the labels. Fails with BAD_IMAGE, UNKNOWN_FORMAT, NO_ROWS. */
export const loadZip = async (duck: Duck, path: string, target: string | null): Promise<RawTable> => {
  const zip = await opened(path);
  try {
    const { pictures: entries, index } = await listed(zip);
    const unreadable: string[] = [];
    const pictures: Picture[] = [];
    for (const entry of entries) {
      const head = imageHead(await bytesOf(zip, entry, HEAD_BYTES));
      if (head === undefined || head.height * head.width > LIMITS.imagePixels)
        unreadable.push(entry.fileName);
      else pictures.push({ entry, head });
    }
    const size = commonSize(pictures.map(({ head }) => head));
    const labels =
      index === undefined
        ? byFolder(entries, target)
        : byIndex(await bytesOf(zip, index), index.fileName, entries);
    const names = checkedNames(['image', ...labels.names]);
    await duck.run(`create table raw (row bigint, ${names.map((_, at) => `c${at} varchar`).join(', ')})`);
    const appender = await duck.connection.createAppender('raw');
    let rows = 0;
    for (const { entry } of pictures) {
      const cells = labels.of.get(entry.fileName);
      if (cells === undefined) continue; // without a folder, or not in the index
      const decoded = decodeImage(await bytesOf(zip, entry), size);
      if (!decoded.ok) {
        unreadable.push(entry.fileName);
        continue;
      }
      appender.appendBigInt(BigInt(rows++));
      // Every picture at the size that the model sees, so that sealed data are small and hold nothing else.
      appender.appendVarchar(Buffer.from(encodeImage(decoded.pixels, size)).toString('base64'));
      for (const cell of cells) appender.appendVarchar(cell);
      appender.endRow();
    }
    appender.closeSync();
    refuseMany(unreadable, entries.length);
    if (rows === 0)
      throw new Failure('NO_ROWS', 'no picture of the zip has a label', {
        hint: 'put each picture into a folder named by its label, or add a CSV with a column of file names',
      });
    const spec: ColumnSpec = { v: 1, name: 'image', type: 'image', missing: [], image: size };
    return {
      names,
      rows,
      images: { spec, unreadable: { names: unreadable.slice(0, NAMED), count: unreadable.length } },
    };
  } finally {
    zip.close();
  }
};

const opened = async (path: string): Promise<ZipFile> => {
  try {
    return await openPromise(path, { lazyEntries: true, autoClose: false });
  } catch (cause) {
    throw new Failure('UNKNOWN_FORMAT', 'the zip archive could not be read', {
      hint: 'it may be cut short: upload it again',
      cause,
    });
  }
};

const listed = async (zip: ZipFile): Promise<{ pictures: Entry[]; index: Entry | undefined }> => {
  const entries: Entry[] = [];
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || CLUTTER.test(entry.fileName)) continue;
      entries.push(entry);
      if (entries.length > MOST_ENTRIES)
        throw new Failure('PAYLOAD_TOO_LARGE', `the zip has more than ${MOST_ENTRIES} files`);
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('UNKNOWN_FORMAT', 'the zip archive is damaged', { cause });
  }
  const pictures = entries.filter(({ fileName }) => PICTURE.test(fileName));
  if (pictures.length === 0)
    throw new Failure('NO_ROWS', 'the zip has no PNG or JPEG picture', {
      hint: 'file names end in .png, .jpg or .jpeg',
    });
  const indexes = entries.filter(({ fileName }) => INDEX.test(fileName));
  if (indexes.length > 1)
    throw new Failure('UNKNOWN_FORMAT', `the zip has ${indexes.length} CSV files; one may name the pictures`);
  pictures.sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
  return { pictures, index: indexes[0] };
};

/** At most `most` bytes of a file; a file that says it is larger than a picture may be is not read at all. */
const bytesOf = async (zip: ZipFile, entry: Entry, most = Infinity): Promise<Buffer> => {
  if (entry.uncompressedSize > LIMITS.imageBytes)
    throw new Failure('BAD_IMAGE', `${entry.fileName} is larger than ${LIMITS.imageBytes} bytes`, {
      path: [entry.fileName],
    });
  const parts: Buffer[] = [];
  let length = 0;
  try {
    const stream: Readable = await zip.openReadStreamPromise(entry);
    for await (const part of stream as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length >= most) break;
    }
  } catch (cause) {
    throw new Failure('UNKNOWN_FORMAT', `${entry.fileName} in the zip could not be unpacked`, {
      hint: 'zips with a password and unusual compression are not read',
      cause,
    });
  }
  return Buffer.concat(parts);
};

/** The size most pictures have, in colour where any has; a larger one than a model sees is reduced in proportion. */
const commonSize = (heads: readonly ImageHead[]): ImageSize => {
  const counts = new Map<string, { readonly head: ImageHead; count: number }>();
  for (const head of heads) {
    const key = `${head.height}x${head.width}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { head, count: 1 });
    else known.count++;
  }
  const [most] = [...counts.values()].sort((a, b) => b.count - a.count || a.head.height - b.head.height);
  const { height = 1, width = 1 } = most?.head ?? {};
  const scale = Math.min(1, LIMITS.imageSide / Math.max(height, width));
  return {
    height: Math.max(1, Math.round(height * scale)),
    width: Math.max(1, Math.round(width * scale)),
    channels: heads.every(({ grey }) => grey) ? 1 : 3,
  };
};

interface Labels {
  readonly names: readonly string[];
  /** Cells of each picture that has any, by its name in the zip. */
  readonly of: ReadonlyMap<string, readonly string[]>;
}

const byFolder = (pictures: readonly Entry[], target: string | null): Labels => ({
  names: [target ?? 'folder'],
  of: new Map(
    pictures.flatMap(({ fileName }) => {
      const folder = fileName.split('/').at(-2);
      return folder === undefined ? [] : [[fileName, [folder]] as const];
    }),
  ),
});

/** The column whose cells name pictures is left out; all others are columns of the data. */
const byIndex = (bytes: Buffer, indexName: string, pictures: readonly Entry[]): Labels => {
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  const [header, ...rows] = [...records(text, chooseDelimiter(text.split('\n', 1)[0] ?? ''))];
  if (header === undefined) throw new Failure('EMPTY_FILE', `${indexName} in the zip is empty`);
  const known = new Map<string, string>();
  for (const { fileName } of pictures) {
    known.set(fileName, fileName);
    known.set(fileName.split('/').at(-1) ?? fileName, fileName);
  }
  const hits = header.map((_, at) => rows.filter((row) => known.has(row[at] ?? '')).length);
  const file = hits.indexOf(Math.max(...hits));
  if ((hits[file] ?? 0) === 0)
    throw new Failure('BAD_IMAGE', `no column of ${indexName} names the pictures of the zip`, {
      hint: 'one column holds the file names, with or without their folder',
    });
  const others = <T>(list: readonly T[]): T[] => list.filter((_, at) => at !== file);
  return {
    names: others(header),
    of: new Map(
      rows.flatMap((row) => {
        const name = known.get(row[file] ?? '');
        return name === undefined ? [] : [[name, others(header.map((_, at) => row[at] ?? ''))] as const];
      }),
    ),
  };
};

const refuseMany = (unreadable: readonly string[], pictures: number): void => {
  if (unreadable.length <= Math.max(1, MOST_CORRUPT * pictures)) return;
  throw new Failure(
    'BAD_IMAGE',
    `${unreadable.length} of ${pictures} pictures cannot be read: ${unreadable.slice(0, NAMED).join(', ')}`,
    { hint: `pictures are PNG or JPEG of at most ${LIMITS.imagePixels} pixels` },
  );
};
