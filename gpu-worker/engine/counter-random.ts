/**
 * Threefry-2x32-20 (Salmon et al., «Parallel random numbers: as easy as 1, 2, 3», SC 2011): the n-th draw of a
 * stream is a pure function of (seed, stream, n), so a resumed run draws what an uninterrupted one would have.
 */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;

/** One block: two 32-bit words from a 64-bit key and a 64-bit counter, written to `out[0]` and `out[1]`. */
export const threefry = (
  key0: number,
  key1: number,
  count0: number,
  count1: number,
  out: Uint32Array,
): void => {
  const keys = [key0 | 0, key1 | 0, PARITY ^ key0 ^ key1];
  let x = (count0 + key0) | 0;
  let y = (count1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const turn = ROTATIONS[round & 7] ?? 0;
    x = (x + y) | 0;
    y = ((y << turn) | (y >>> (32 - turn))) ^ x;
    if ((round & 3) === 3) {
      const injection = (round >> 2) + 1;
      x = (x + (keys[injection % 3] ?? 0)) | 0;
      y = (y + (keys[(injection + 1) % 3] ?? 0) + injection) | 0;
    }
  }
  out[0] = x;
  out[1] = y;
};

/** What a stream of random numbers is for; part of its key, so that no two uses share draws. */
export const STREAMS = { split: 1, shuffle: 2, weights: 3, dropout: 4, bootstrap: 5 } as const;

export class CounterRandom {
  private readonly words = new Uint32Array(2);
  private count = 0;

  constructor(
    seed: number,
    stream: number,
    /** Epoch, member or step: selects one of 2^32 independent sequences. */
    private readonly sequence = 0,
  ) {
    threefry(seed | 0, Math.floor(seed / 2 ** 32) | 0, stream, 0x6d6d, this.words);
    this.key0 = this.words[0] ?? 0;
    this.key1 = this.words[1] ?? 0;
  }
  private readonly key0: number;
  private readonly key1: number;

  /** Uniform 32-bit word. */
  word(): number {
    const half = this.count & 1;
    if (half === 0) threefry(this.key0, this.key1, this.count >>> 1, this.sequence, this.words);
    this.count++;
    return this.words[half] ?? 0;
  }

  /** Uniform in [0, 1) with 32 bits. */
  uniform(): number {
    return this.word() / 2 ** 32;
  }

  /** Uniform integer in [0, bound), bias below bound / 2^32. */
  below(bound: number): number {
    return Math.floor((this.word() / 2 ** 32) * bound);
  }

  /** Fisher-Yates, in place. */
  shuffle(items: Int32Array): Int32Array {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i] ?? 0;
      items[i] = items[j] ?? 0;
      items[j] = held;
    }
    return items;
  }
}

export const range = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);
