import { parseSeed, parseSpec } from './spec';

describe('a spec', () => {
  it('is auto when nothing is said', () => {
    expect(parseSpec(undefined)).toMatchObject({ family: 'auto', seconds: 60, trials: null });
    expect(parseSpec(null)).toEqual(parseSpec(undefined));
  });

  it('gets the defaults of its family', () => {
    expect(parseSpec({ family: 'mlp' })).toMatchObject({
      hidden: [64, 64],
      activation: 'relu',
      batchSize: 32,
      epochs: 100,
      validationFraction: 0.2,
    });
  });

  it.each([
    [{ family: 'tree' }, 'unknown family "tree"; one of: auto, linear, ', ['spec', 'family']],
    [{}, 'unknown family ""; one of: auto, linear, ', ['spec', 'family']],
    ['mlp', 'a spec is an object with a family', ['spec']],
    [{ family: 'mlp', epochs: 0 }, /^epochs: /, ['spec', 'epochs']],
    [{ family: 'mlp', activation: 'rellu' }, /^activation: .*relu.*gelu.*tanh/, ['spec', 'activation']],
    [{ family: 'rnn', precision: 'half' }, /^precision: .*float32.*mixed.*auto/, ['spec', 'precision']],
    [{ family: 'mlp', hidden: [8, -1] }, /^hidden\.1: /, ['spec', 'hidden', 1]],
    [
      { family: 'linear', epochs: 3 },
      'unknown field of family linear "epochs"; one of: family, l2',
      ['spec', 'epochs'],
    ],
  ])('is refused as %j', (input, message, path) => {
    const error = (() => {
      try {
        return parseSpec(input);
      } catch (caught) {
        return caught as { message: string; path: unknown; code: string };
      }
    })();
    expect(error).toMatchObject({ code: 'BAD_SPEC', path });
    expect((error as { message: string }).message).toMatch(message);
  });
});

it('a seed is a small whole number', () => {
  expect(parseSeed(undefined)).toBe(1);
  expect(parseSeed(7)).toBe(7);
  for (const bad of [-1, 1.5, 2 ** 31, Number.NaN]) expect(() => parseSeed(bad)).toThrow('seed');
});
