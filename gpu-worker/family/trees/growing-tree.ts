/** A tree while it grows, and its form for the kernel that sends binned rows through it. */
import type { FeatureBins } from './binning';
import type { Tree } from './forest';
import { ROUTE, ROUTE_BYTES } from './kernel/scores';
import type { Split } from './leaf-search';
import { goesLeft } from './split-search';
import type { Sides } from './split-search';
import type { Workspace } from './workspace';

export class GrowingTree implements Tree {
  readonly feature: number[] = [];
  readonly threshold: number[] = [];
  readonly categories: (readonly number[] | null)[] = [];
  readonly missingLeft: number[] = [];
  readonly left: number[] = [];
  readonly right: number[] = [];
  readonly value: number[] = [];
  readonly cover: number[] = [];
  readonly gain: number[] = [];

  /** A new leaf; its number. */
  add(cover: number): number {
    this.threshold.push(0);
    this.categories.push(null);
    for (const list of [this.missingLeft, this.left, this.right, this.value, this.gain]) list.push(0);
    this.cover.push(cover);
    return this.feature.push(0) - 1;
  }

  plain(): Tree {
    return { ...this };
  }

  /** Makes an inner node of a leaf; returns its children. */
  divide(
    node: number,
    split: Split,
    bins: FeatureBins,
    rows: { readonly left: number; readonly right: number },
  ): [left: number, right: number] {
    this.feature[node] = split.feature;
    this.gain[node] = split.gain;
    const { sides } = split;
    this.missingLeft[node] = goesLeft(sides, bins, bins.count) ? 1 : 0;
    if (sides.kind === 'category')
      this.categories[node] = Array.from(bins.codes).filter((_, bin) => sides.bins.has(bin));
    // Past the last threshold stands everything that is not missing.
    else this.threshold[node] = bins.thresholds[sides.last] ?? Infinity;
    const left = (this.left[node] = this.add(rows.left));
    const right = (this.right[node] = this.add(rows.right));
    return [left, right];
  }
}

/**
 * Writes a tree for the kernel's `route`: its i-th leaf is child -1 - i and answers with the i-th leaf value.
 * @returns the root, as `route` takes it
 */
export const writeRoute = (work: Workspace, tree: Tree): number => {
  const values = work.float64(work.at.leafValues, work.sizes.leaves);
  let leaves = 0;
  let inner = 0;
  const numbers = tree.left.map((left, node) => {
    if (left !== 0) return inner++;
    values[leaves] = tree.value[node];
    return -1 - leaves++;
  });
  numbers.forEach((number, node) => {
    const bins = work.bins[tree.feature[node]];
    if (number < 0 || bins === undefined) return;
    const record = work.at.route + number * ROUTE_BYTES;
    const left = numbers[tree.left[node]];
    const right = numbers[tree.right[node]];
    const { words } = work.kernel;
    words[(record + ROUTE.feature) / 4] = tree.feature[node];
    words[(record + ROUTE.left) / 4] = left;
    words[(record + ROUTE.right) / 4] = right;
    writeSides(work, record + ROUTE.goesLeft, bins, sidesOf(tree, node, bins));
  });
  return numbers[0];
};

/** Writes 256 bytes: 1 where a bin goes left. */
export const writeSides = (work: Workspace, address: number, bins: FeatureBins, sides: Sides): void => {
  const { call, bytes } = work.kernel;
  call.fill(address, 0, 256);
  if (sides.kind === 'number') {
    call.fill(address, 1, sides.last + 1);
    bytes[address + bins.count] = sides.missingLeft ? 1 : 0;
  } else for (const bin of sides.bins) bytes[address + bin] = 1;
};

const sidesOf = (tree: Tree, node: number, bins: FeatureBins): Sides => {
  const missingLeft = tree.missingLeft[node] === 1;
  const categories = tree.categories[node] ?? null;
  if (categories === null) {
    const at = bins.thresholds.indexOf(tree.threshold[node]);
    return { kind: 'number', last: at < 0 ? bins.count - 1 : at, missingLeft };
  }
  const codes = new Set(categories);
  const left = new Set(missingLeft ? [bins.count] : []);
  bins.codes.forEach((code, bin) => {
    if (codes.has(code)) left.add(bin);
  });
  return { kind: 'category', bins: left };
};
