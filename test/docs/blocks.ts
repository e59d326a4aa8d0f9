/** The commands of a page and the answers it shows. */

export interface Command {
  /** Line of the page where it begins, for messages. */
  readonly line: number;
  readonly bash: string;
  /** The excerpt of the answer that the page shows next, if any. */
  readonly shown: unknown;
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

export const commandsOf = (page: string): Command[] => {
  const commands: Command[] = [];
  for (const { 1: language, 2: text = '', index } of page.matchAll(FENCE)) {
    const last = commands.at(-1);
    if (language === 'bash')
      commands.push({ line: page.slice(0, index).split('\n').length, bash: text, shown: undefined });
    else if (language === 'json' && last)
      commands[commands.length - 1] = { ...last, shown: JSON.parse(text) as unknown };
  }
  return commands;
};

const isCode = (text: string): boolean => /^[A-Z][A-Z_]+$/.test(text);
const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;

/**
 * Where `got` does not have the shape that is shown: every key that is shown must be there with a value of its kind, every
 * element of a list must be like the first one shown, and codes and states must be the same.
 */
export const differences = (shown: unknown, got: unknown, path = ''): string[] => {
  if (kindOf(shown) !== kindOf(got)) return [`${path}: shown ${kindOf(shown)}, got ${kindOf(got)}`];
  if (Array.isArray(shown) && Array.isArray(got)) {
    if (shown.length > 0 && got.length === 0) return [`${path}: nothing in the list`];
    const like: unknown = shown[0];
    if (typeof like !== 'object') return [];
    return got.flatMap((each, index) => differences(like, each, `${path}[${index}]`));
  }
  if (typeof shown === 'object' && shown !== null) {
    const there = new Map(Object.entries(got as object));
    return Object.entries(shown).flatMap(([key, value]) =>
      there.has(key) ? differences(value, there.get(key), `${path}.${key}`) : [`${path}.${key}: not there`],
    );
  }
  if ((typeof shown === 'string' && isCode(shown)) || typeof shown === 'boolean')
    return shown === got ? [] : [`${path}: shown ${shown}, got ${String(got)}`];
  return [];
};
