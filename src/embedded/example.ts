import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { records } from '../../tabular';
import { Client } from './loop/client';
import { housePrices } from './loop/house-prices';
import { playLoop } from './loop/play';
import type { Terminal } from './loop/terminal';

const ROWS = 6000;
/** Houses sold after the file was made: predicted first, then their price becomes known. */
const LATER = 200;
const SEED = 7;

/** The scenario «house prices» through the whole loop, on data that the project makes itself. */
export const playExample = async (endpoint: string, apiKey: string, ui: Terminal): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'modelmint-example-'));
  try {
    const file = join(folder, 'houses.csv');
    const [header = [], ...houses] = records(housePrices(ROWS + LATER, SEED), ',');
    const line = (cells: readonly string[]): string =>
      `${cells.map((cell) => (cell.includes(',') ? `"${cell}"` : cell)).join(',')}\n`;
    await writeFile(file, [header, ...houses.slice(0, ROWS)].map(line).join(''));
    const arrivals = houses.slice(ROWS).map((cells) => {
      const row = Object.fromEntries(header.map((name, at) => [name, cells[at] ?? '']));
      const { price = '', ...inputs } = row;
      return { inputs, truth: Number(price.replace(',', '')) };
    });
    ui.step('the example: house prices');
    ui.line(`  ${ROWS} houses, made up, with the gaps, outliers and spellings that real files have`);
    await playLoop(
      new Client(endpoint, apiKey),
      {
        file,
        target: 'price',
        scenario: { name: 'house prices', template: 'house-prices' },
        predictions: 10,
        arrivals,
      },
      ui,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
