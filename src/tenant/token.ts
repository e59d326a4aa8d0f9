/** Secrets that callers hold: random, with a checksum, stored as SHA-256 only. */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 32 digits of base 62 are 190 bits. */
const SECRET_DIGITS = 32;
const CHECK_DIGITS = 6;
const ID_DIGITS = 12;

const random = (length: number): string =>
  Array.from({ length }, () => DIGITS.charAt(randomInt(DIGITS.length))).join('');

/** CRC-32 of the text in base 62: tells a typo without asking anybody. */
const checksum = (text: string): string => {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECK_DIGITS; i++) {
    digits = DIGITS.charAt(rest % DIGITS.length) + digits;
    rest = Math.floor(rest / DIGITS.length);
  }
  return digits;
};

/** `mmo_` operator, `mmi_` invitation, `mms_` session. */
export type TokenPrefix = 'mmo' | 'mmi' | 'mms';

export const mintToken = (prefix: TokenPrefix): string => {
  const body = `${prefix}_${random(SECRET_DIGITS)}`;
  return body + checksum(body);
};

export const isToken = (prefix: TokenPrefix, text: string): boolean =>
  new RegExp(`^${prefix}_[0-9A-Za-z]{${SECRET_DIGITS + CHECK_DIGITS}}$`).test(text) &&
  text.endsWith(checksum(text.slice(0, -CHECK_DIGITS)));

export interface MintedKey {
  /** Names the key; shown in lists. */
  readonly publicId: string;
  /** `mm_<id>_<secret>`: shown once. */
  readonly key: string;
}

export const mintApiKey = (): MintedKey => {
  const publicId = random(ID_DIGITS);
  const body = `mm_${publicId}_${random(SECRET_DIGITS)}`;
  return { publicId, key: body + checksum(body) };
};

/** The key's public id, or null when it cannot be a key of ours: a typo never reaches the database. */
export const apiKeyId = (text: string): string | null => {
  const match = /^mm_([0-9A-Za-z]{12})_[0-9A-Za-z]{38}$/.exec(text);
  return match?.[1] !== undefined && text.endsWith(checksum(text.slice(0, -CHECK_DIGITS))) ? match[1] : null;
};

export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest();

export const sameHash = (one: Buffer, other: Buffer): boolean =>
  one.length === other.length && timingSafeEqual(one, other);
