import fc from 'fast-check';
import { ModelSpec } from '../../contracts';
import { Purse, costOf } from './purse';
import { quoteScore, quoteSeconds } from './quote';

const mlp = (set: object = {}) => ModelSpec.parse({ family: 'mlp', ...set });
const auto = (set: object = {}) => ModelSpec.parse({ family: 'auto', ...set });
const price = fc.record({
  amountNano: fc.bigInt({ min: 1n, max: 10n ** 12n }),
  perQuantity: fc.bigInt({ min: 1n, max: 10n ** 14n }),
});

it('a purse never pays more than it holds, and all of it while there is time to pay', () => {
  const time = fc.record({
    device: fc.constantFrom('cpu' as const, 'cuda' as const, 'webgpu' as const),
    ns: fc.bigInt({ min: 0n, max: 10n ** 15n }),
  });
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 10n ** 15n }),
      price,
      price,
      fc.array(time),
      (amount, cpu, gpu, times) => {
        const purse = new Purse(amount, { cpu, gpu });
        let spent = 0n;
        for (const each of times) {
          const paid = purse.pay(each);
          expect(paid <= each.ns).toBe(true);
          const [own, other] = each.device === 'cpu' ? [cpu, gpu] : [gpu, cpu];
          spent += paid * own.amountNano * other.perQuantity;
          // One nanosecond more would have been too much.
          if (paid < each.ns)
            expect(
              spent + own.amountNano * other.perQuantity > amount * cpu.perQuantity * gpu.perQuantity,
            ).toBe(true);
        }
        expect(spent <= amount * cpu.perQuantity * gpu.perQuantity).toBe(true);
      },
    ),
  );
});

it('time without a price costs nothing', () => {
  const purse = new Purse(1n, { cpu: null, gpu: { amountNano: 1n, perQuantity: 1n } });
  expect(purse.pay({ device: 'cpu', ns: 10n ** 18n })).toBe(10n ** 18n);
  expect(purse.buysMs('cpu')).toBeNull();
  expect(purse.pay({ device: 'cuda', ns: 5n })).toBe(1n);
  expect(costOf(10, null)).toBe(0n);
});

describe('seconds', () => {
  const past = (seconds: number, set: object = {}) => ({ spec: mlp(set), cells: 1000, seconds });

  it('of a family grow with cells and effort, and narrow with what is known', () => {
    expect(quoteSeconds(mlp(), 1000, [], 60)).toMatchObject({ basis: 'TABLE', jobs: 0 });
    const one = quoteSeconds(mlp(), 1000, [past(3)], 60);
    expect(one).toMatchObject({ basis: 'PAST', jobs: 1 });
    expect([one.low, one.high]).toEqual([expect.closeTo(1, 6), expect.closeTo(9, 6)]);
    const three = quoteSeconds(mlp(), 1000, [past(3), past(3), past(3)], 60);
    expect(three.high).toBeLessThan(9);
    expect(quoteSeconds(mlp({ epochs: 200 }), 2000, [past(3)], 60).high).toBeCloseTo(36, 6);
    expect(quoteSeconds(mlp({ epochs: 200 }), 2000, [past(3)], 5).high).toBe(5);
    expect(quoteSeconds(ModelSpec.parse({ family: 'gan' }), 1000, [past(3)], 60)).toMatchObject({
      basis: 'LIMIT',
      high: 60,
    });
  });

  it('of a search are what it is given', () => {
    expect(quoteSeconds(auto({ seconds: 30 }), 1000, [past(3)], 60)).toMatchObject({
      basis: 'LIMIT',
      high: 60,
    });
    const earlier = { spec: auto({ seconds: 10 }), cells: 5, seconds: 4 };
    expect(quoteSeconds(auto({ seconds: 30 }), 1000, [earlier], 60)).toEqual({
      ...{ low: 12, high: 60, basis: 'PAST', jobs: 1 },
    });
    expect(quoteSeconds(auto({ seconds: null }), 1000, [earlier], null).high).toBeNull();
  });
});

describe('a score', () => {
  const target = {
    ...{ name: 'y', type: 'category' as const, rows: 12, missing: 2, distinct: 2 },
    frequent: [
      { value: 'a', count: 7 },
      { value: 'b', count: 3 },
    ],
  };

  it('rests on earlier versions, within what the metric can be', () => {
    const { score } = quoteScore('classification', 'accuracy', target, [0.9, 0.99]);
    expect(score).toMatchObject({ metric: 'accuracy', high: 1 });
    expect(score?.low).toBeLessThan(0.9);
    expect(quoteScore('regression', 'rmse', undefined, [2]).score).toEqual({
      metric: 'rmse',
      low: 1.8,
      high: 2.2,
    });
  });

  it('else lies between a guess and no error, and is null with a reason where nothing tells', () => {
    expect(quoteScore('classification', 'accuracy', target, []).score).toMatchObject({ low: 0.7, high: 1 });
    expect(quoteScore('classification', 'logLoss', target, []).score?.high).toBeCloseTo(0.6109, 4);
    const { score, reason } = quoteScore('clustering', 'silhouette', undefined, []);
    expect(score).toBeNull();
    expect(reason).toContain('silhouette');
  });
});
