/**
 * 10,000 random operations of two tenants, half of them about each other's ids, through GraphQL: every one that names
 * something of the other tenant must answer NOT_FOUND, no answer may hold an id of the other, and what the other owns
 * must be afterwards what it was. (`test/isolation/within.test.ts` does the same below GraphQL, on the database door.)
 */
import { randomInt } from 'node:crypto';
import { documentOf, idPaths, kindOf, OPERATIONS, prepare } from '../test/support/operations';
import type { Operation, Prepared } from '../test/support/operations';
import { startPlatform } from '../test/support/platform';
import type { TestPlatform } from '../test/support/platform';
import { makeWorld } from '../test/support/world';
import type { World } from '../test/support/world';
import { uniform } from './random';
import { writeResults } from './results';
import { sleep } from './work';

const TOTAL = process.argv.includes('--quick') ? 1000 : 10_000;
const AT_ONCE = 8;

interface Case {
  readonly operation: Operation;
  /** Where the other tenant's id goes; null for a request about one's own. */
  readonly path: readonly string[] | null;
}

/** The operator's own, and what a socket is needed for (`test/isolation/schema.test.ts` has them). */
const isTenants = ({ root, field }: Operation): boolean =>
  root !== 'subscription' && !['platformStatus', 'setPlan', 'tenants'].includes(field.name);

const foreign: Case[] = OPERATIONS.filter(isTenants).flatMap((operation) =>
  idPaths(operation).map((path) => ({ operation, path })),
);
const own: Case[] = OPERATIONS.filter((operation) => isTenants(operation) && operation.root === 'query').map(
  (operation) => ({ operation, path: null }),
);

const replaced = (value: unknown, [head, ...rest]: readonly string[], id: string): unknown =>
  head === undefined
    ? id
    : {
        ...(value as object),
        [head]: replaced((value as Record<string, unknown> | undefined)?.[head], rest, id),
      };

class Side {
  private readonly prepared = new Map<string, Promise<Prepared>>();

  constructor(
    private readonly platform: TestPlatform,
    readonly world: World,
  ) {}

  /** A request that would work for this tenant; made once, because with a foreign id it never does. */
  prepare(operation: Operation): Promise<Prepared> {
    const { name, args } = operation.field;
    // An id is all it takes: nothing needs to be made for it.
    if (operation.root === 'mutation' && args.every((argument) => argument.type.toString() === 'ID!'))
      return Promise.resolve({ variables: {} });
    const found = this.prepared.get(name) ?? prepare(operation, this.platform, this.world);
    this.prepared.set(name, found);
    return found;
  }

  async ask({ operation, path }: Case, other: World): Promise<{ text: string; code: string | null }> {
    const { variables, ...options } = await this.prepare(operation);
    const asked =
      path === null
        ? variables
        : (replaced(variables, path, other.ids[kindOf(operation, path)]) as Record<string, unknown>);
    for (;;) {
      const answer = await this.platform.graphql(documentOf(operation), asked, {
        credential: this.world.key,
        ...options,
      });
      const code = answer.errors?.[0]?.extensions?.code ?? null;
      if (code !== 'RATE_LIMITED' && code !== 'OVERLOADED') return { text: JSON.stringify(answer), code };
      await sleep(200);
    }
  }
}

/** Signed URLs are new in every answer. */
const unsigned = (text: string): string => text.replaceAll(/"https?:[^"]*"/g, '"-"');

/** What a tenant owns, as it sees it itself. */
const picture = async (side: Side): Promise<Map<string, string>> => {
  const names = [
    'scenario',
    'dataset',
    'datasetVersion',
    'job',
    'model',
    'modelVersion',
    'deployment',
    'members',
  ];
  const cases = own.filter(({ operation }) => names.includes(operation.field.name));
  const answers = await Promise.all(
    cases.map(
      async (each) => [each.operation.field.name, unsigned((await side.ask(each, side.world)).text)] as const,
    ),
  );
  return new Map(answers);
};

const main = async (): Promise<void> => {
  const seed = randomInt(2 ** 31);
  const random = uniform(seed, 1);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  const platform = await startPlatform({ ownPostgres: true });
  try {
    const sides = [
      new Side(platform, await makeWorld(platform, 'one')),
      new Side(platform, await makeWorld(platform, 'other')),
    ] as const;
    // Some make what they would change: before the picture is taken.
    for (const side of sides) for (const { operation } of foreign) await side.prepare(operation);
    const before = [await picture(sides[0]), await picture(sides[1])];
    const leaks: string[] = [];
    const answers = { foreign: 0, own: 0 };
    let started = 0;
    const work = async (): Promise<void> => {
      while (started++ < TOTAL) {
        const [mine, theirs] = random() < 0.5 ? sides : ([sides[1], sides[0]] as const);
        const chosen = random() < 0.75 ? pick(foreign) : pick(own);
        const { text, code } = await mine.ask(chosen, theirs.world);
        const name = `${chosen.operation.field.name}(${chosen.path?.join('.') ?? ''})`;
        answers[chosen.path === null ? 'own' : 'foreign']++;
        if (chosen.path !== null && code !== 'NOT_FOUND') leaks.push(`${name} answered ${code ?? 'data'}`);
        if (chosen.path === null && code !== null) leaks.push(`${name} refused its own tenant: ${code}`);
        if (Object.values(theirs.world.ids).some((id) => text.includes(id)))
          leaks.push(`${name} shows an id`);
      }
    };
    const from = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const seconds = (performance.now() - from) / 1000;
    for (const [i, side] of sides.entries())
      for (const [name, text] of await picture(side))
        if (before[i]?.get(name) !== text) leaks.push(`the ${name} that ${side.world.name} owns has changed`);
    for (const leak of new Set(leaks)) console.error(`LEAK: ${leak}`);
    console.log(
      `seed ${seed}: ${answers.foreign} about the other tenant, ${answers.own} about one's own, ${leaks.length} leaks, ${seconds.toFixed(0)} s`,
    );
    writeResults('isolation', [
      {
        figure: `leaks in ${TOTAL} random operations of two tenants through GraphQL (${foreign.length} places for an id, ${answers.foreign} times the other tenant's)`,
        value: leaks.length,
        unit: 'leaks',
        baseline: null,
        baselineValue: null,
        ratio: null,
        target: '0',
        met: leaks.length === 0,
      },
    ]);
    if (leaks.length > 0) process.exitCode = 1;
  } finally {
    await platform.stop();
  }
};

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
