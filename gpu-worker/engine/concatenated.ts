/** Typed arrays one after another in one of their kind, also where there are none. */
export const concatenated = <T extends { readonly length: number; set(part: T, offset: number): void }>(
  parts: readonly T[],
  ArrayType: new (length: number) => T,
): T => {
  const all = new ArrayType(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
};
