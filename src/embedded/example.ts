import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from './loop/client';
import { housePrices } from './loop/house-prices';
import { playLoop } from './loop/play';
import type { Terminal } from './loop/terminal';

const ROWS = 6000;
const SEED = 7;

/** The scenario «house prices» through the whole loop, on data that the project makes itself. */
export const playExample = async (endpoint: string, apiKey: string, ui: Terminal): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'modelmint-example-'));
  try {
    const file = join(folder, 'houses.csv');
    await writeFile(file, housePrices(ROWS, SEED));
    ui.step('the example: house prices');
    ui.line(`  ${ROWS} houses, made up, with the gaps, outliers and spellings that real files have`);
    await playLoop(
      new Client(endpoint, apiKey),
      {
        file,
        target: 'price',
        scenario: { name: 'house prices', template: 'house-prices' },
        predictions: 10,
      },
      ui,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
