/** Small pictures with a table beside them. */
import type { Table } from '../data/table';
import { tableOf } from './table';

const SIDE = 12;

/**
 * A bright square on noise, in the upper or the lower half, and a number `weight`. `half` says where the square is;
 * `both` also says whether the number is high; `height` is the row of the square's middle, blurred by the number.
 */
export const pictureTable = (rows = 320): Table => {
  const pixels = new Uint8Array(rows * SIDE * SIDE);
  const half: string[] = [];
  const both: string[] = [];
  const height: number[] = [];
  const weight: number[] = [];
  for (let row = 0; row < rows; row++) {
    const top = (row * 7) % (SIDE - 4);
    const left = (row * 5) % (SIDE - 4);
    for (let at = 0; at < SIDE * SIDE; at++) {
      const [y, x] = [Math.floor(at / SIDE), at % SIDE];
      const inside = y >= top && y < top + 4 && x >= left && x < left + 4;
      pixels[row * SIDE * SIDE + at] = inside ? 200 + ((row + at) % 40) : (row * 13 + at * 29) % 60;
    }
    const upper = top + 2 < SIDE / 2;
    const heavy = (row * 11) % 10 >= 5;
    half.push(upper ? 'upper' : 'lower');
    both.push(`${upper ? 'upper' : 'lower'}, ${heavy ? 'heavy' : 'light'}`);
    weight.push((row * 11) % 10);
    height.push(top + 2 + (heavy ? 0.5 : 0));
  }
  const spec = {
    v: 1,
    name: 'image',
    type: 'image',
    missing: [],
    image: { height: SIDE, width: SIDE, channels: 1 },
  } as const;
  return {
    ...tableOf({ half, both, height, weight }, (row) => row % 5 === 0),
    images: [{ spec: { ...spec, missing: [] }, size: spec.image, pixels }],
  };
};
