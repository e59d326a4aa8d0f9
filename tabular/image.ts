/** Pictures as the model sees them: PNG and JPEG bytes to pixels of one fixed size. */
import { decode as decodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { LIMITS } from './limits';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
  /** 1: grey, 3: red, green, blue. */
  readonly channels: 1 | 3;
}

export interface ImageHead {
  readonly format: 'png' | 'jpeg';
  readonly height: number;
  readonly width: number;
  readonly grey: boolean;
}

export type ImageProblem = 'not-an-image' | 'too-large' | 'corrupt';
export type ImageResult =
  { readonly ok: true; readonly pixels: Uint8Array } | { readonly ok: false; readonly problem: ImageProblem };

const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
const u32 = (bytes: Uint8Array, at: number): number => u16(bytes, at) * 65_536 + u16(bytes, at + 2);

/** Size and kind from the first bytes, so that a picture too large is never decoded; undefined where it is none. */
export const imageHead = (bytes: Uint8Array): ImageHead | undefined => {
  if (PNG_MAGIC.every((byte, at) => bytes[at] === byte))
    return bytes.length < 26
      ? undefined
      : {
          format: 'png',
          width: u32(bytes, 16),
          height: u32(bytes, 20),
          // Colour types 0 and 4 have no colour.
          grey: bytes[25] === 0 || bytes[25] === 4,
        };
  return bytes[0] === 0xff && bytes[1] === 0xd8 ? jpegHead(bytes) : undefined;
};

/** Walks the segments up to the frame header (ITU-T T.81, B.2.2). */
const jpegHead = (bytes: Uint8Array): ImageHead | undefined => {
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1] ?? 0;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame)
      return {
        format: 'jpeg',
        height: u16(bytes, at + 5),
        width: u16(bytes, at + 7),
        grey: bytes[at + 9] === 1,
      };
    at += marker === 0xff ? 1 : 2 + u16(bytes, at + 2);
  }
  return undefined;
};

/**
 * Pixels [height, width, channels], row-major, 0 to 255. Another size is resized by averaging the area that a pixel covers;
 * colour becomes grey by the luma weights of ITU-R BT.601; what is transparent stands on black.
 */
export const decodeImage = (bytes: Uint8Array, size: ImageSize): ImageResult => {
  const head = imageHead(bytes);
  if (head === undefined) return { ok: false, problem: 'not-an-image' };
  if (head.height * head.width > LIMITS.imagePixels) return { ok: false, problem: 'too-large' };
  if (head.height < 1 || head.width < 1) return { ok: false, problem: 'corrupt' };
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { data, height, width } =
      head.format === 'png'
        ? PNG.sync.read(buffer)
        : decodeJpeg(buffer, { useTArray: true, tolerantDecoding: false, maxMemoryUsageInMB: 256 });
    if (height !== head.height || width !== head.width || data.length < 4 * height * width)
      return { ok: false, problem: 'corrupt' };
    return { ok: true, pixels: resized(channelled(data, size.channels), { ...head, ...size }, head) };
  } catch {
    return { ok: false, problem: 'corrupt' };
  }
};

/** A PNG that decodes to exactly these pixels. */
export const encodeImage = (pixels: Uint8Array, { height, width, channels }: ImageSize): Uint8Array => {
  const png = new PNG({ width, height });
  for (let at = 0; at < height * width; at++)
    for (let c = 0; c < 4; c++)
      png.data[4 * at + c] = c === 3 ? 255 : (pixels[at * channels + (channels === 1 ? 0 : c)] ?? 0);
  return PNG.sync.write(png, { colorType: channels === 1 ? 0 : 2, inputColorType: 6 });
};

/** RGBA to grey or RGB. */
const channelled = (rgba: Uint8Array, channels: 1 | 3): Float32Array => {
  const count = Math.floor(rgba.length / 4);
  const values = new Float32Array(count * channels);
  for (let at = 0; at < count; at++) {
    const [red, green, blue] = [rgba[4 * at] ?? 0, rgba[4 * at + 1] ?? 0, rgba[4 * at + 2] ?? 0];
    const opaque = (rgba[4 * at + 3] ?? 255) / 255;
    if (channels === 1) values[at] = (0.299 * red + 0.587 * green + 0.114 * blue) * opaque;
    else values.set([red * opaque, green * opaque, blue * opaque], 3 * at);
  }
  return values;
};

const resized = (
  values: Float32Array,
  to: ImageSize,
  from: { readonly height: number; readonly width: number },
): Uint8Array => {
  const { channels } = to;
  const rows = weights(from.height, to.height);
  const columns = weights(from.width, to.width);
  // One axis after the other: the area average is separable.
  const narrow = new Float32Array(from.height * to.width * channels);
  for (let y = 0; y < from.height; y++)
    columns.forEach((parts, x) => {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (const [at, weight] of parts) sum += weight * (values[(y * from.width + at) * channels + c] ?? 0);
        narrow[(y * to.width + x) * channels + c] = sum;
      }
    });
  const pixels = new Uint8Array(to.height * to.width * channels);
  const stride = to.width * channels;
  rows.forEach((parts, y) => {
    for (let at = 0; at < stride; at++) {
      let sum = 0;
      for (const [row, weight] of parts) sum += weight * (narrow[row * stride + at] ?? 0);
      pixels[y * stride + at] = Math.min(255, Math.max(0, Math.round(sum)));
    }
  });
  return pixels;
};

/** Which source positions make each target position, and how much; interpolates linearly where the target is larger. */
const weights = (from: number, to: number): (readonly (readonly [number, number])[])[] => {
  const scale = from / to;
  return Array.from({ length: to }, (_, at) => {
    if (scale <= 1) {
      const middle = Math.min(Math.max((at + 0.5) * scale - 0.5, 0), from - 1);
      const low = Math.floor(middle);
      const share = middle - low;
      return share === 0 || low + 1 >= from
        ? [[low, 1] as const]
        : [[low, 1 - share] as const, [low + 1, share] as const];
    }
    const [start, end] = [at * scale, (at + 1) * scale];
    const parts: (readonly [number, number])[] = [];
    for (let source = Math.floor(start); source < Math.min(from, Math.ceil(end)); source++)
      parts.push([source, (Math.min(end, source + 1) - Math.max(start, source)) / scale]);
    return parts;
  });
};

/** Base64 as JSON carries it, with or without the head of a data URL; undefined where it is no base64. */
export const bytesOfBase64 = (text: string): Uint8Array | undefined => {
  const body = text.startsWith('data:') ? text.slice(text.indexOf(',') + 1) : text;
  return /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(body) && body.trim() !== ''
    ? Buffer.from(body, 'base64')
    : undefined;
};
