import { open } from 'node:fs/promises';
import { Failure } from '../../contracts';
import type { DataFormat } from '../../contracts';

const ACCEPTED = 'accepted are CSV, TSV, JSON lines (all UTF-8), Parquet, and pictures in a zip';

const MAGIC: readonly (readonly [string, readonly number[]])[] = [
  ['a zip archive (or an Excel workbook)', [0x50, 0x4b, 0x03, 0x04]],
  ['an empty zip archive', [0x50, 0x4b, 0x05, 0x06]],
  ['a gzip file', [0x1f, 0x8b]],
  ['a zstd file', [0x28, 0xb5, 0x2f, 0xfd]],
  ['a bzip2 file', [0x42, 0x5a, 0x68]],
  ['an xz file', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['a PDF', [0x25, 0x50, 0x44, 0x46]],
  ['an old Excel workbook', [0xd0, 0xcf, 0x11, 0xe0]],
  ['a SQLite database', [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65]],
];

const startsWith = (head: Buffer, bytes: readonly number[]): boolean =>
  head.length >= bytes.length && bytes.every((byte, at) => head[at] === byte);

/** Looks at the first bytes: what the file is counts, not what it is called. */
export const sniff = async (path: string, format: DataFormat): Promise<void> => {
  const file = await open(path, 'r');
  const head = Buffer.alloc(16);
  let length: number;
  try {
    length = (await file.read(head, 0, 16, 0)).bytesRead;
  } finally {
    await file.close();
  }
  if (length === 0)
    throw new Failure('EMPTY_FILE', 'the file is empty', { hint: 'upload a header line and rows' });
  const seen = head.subarray(0, length);
  const isParquet = startsWith(seen, [0x50, 0x41, 0x52, 0x31]);
  if (isParquet !== (format === 'parquet')) {
    throw new Failure(
      'UNKNOWN_FORMAT',
      isParquet
        ? `the file is Parquet but was declared as ${format}`
        : 'the file was declared as parquet but is not',
      { hint: `declare the format that the file has; ${ACCEPTED}` },
    );
  }
  if (isParquet) return;
  const isZip = startsWith(seen, [0x50, 0x4b, 0x03, 0x04]);
  if (format === 'zip') {
    if (isZip) return;
    throw new Failure('UNKNOWN_FORMAT', 'the file was declared as zip but is not', { hint: ACCEPTED });
  }
  const found = MAGIC.find(([, bytes]) => startsWith(seen, bytes));
  if (found)
    throw new Failure('UNKNOWN_FORMAT', `the file is ${found[0]}, not ${format}`, { hint: ACCEPTED });
  if (startsWith(seen, [0xff, 0xfe]) || startsWith(seen, [0xfe, 0xff])) {
    throw new Failure('INVALID_ENCODING', 'the file is UTF-16', { hint: 'save it as UTF-8' });
  }
};
