import type { Progress, TaskId, TenantId } from '../../contracts';
import { ProgressJournal } from './journal';

const progress = (...numbers: number[]): Progress => ({
  v: 1,
  tenantId: 't' as TenantId,
  taskId: 'k' as TaskId,
  fence: '1',
  phase: 'TRAINING',
  fraction: 0.5,
  message: null,
  epochs: numbers.map((epoch) => ({ epoch, loss: 1, valLoss: null })),
  atMs: 0,
});
const epochs = (report: Progress | null) => report?.epochs.map(({ epoch }) => epoch);

describe('the progress journal', () => {
  it('repeats epochs until a report that carried them was acknowledged', () => {
    const journal = new ProgressJournal();
    expect(journal.report()).toBeNull();
    journal.add(progress(1, 2));
    const lost = journal.report();
    journal.refused();
    journal.add(progress(3));
    const heard = journal.report();
    expect(epochs(lost)).toEqual([1, 2]);
    expect(epochs(heard)).toEqual([1, 2, 3]);
    journal.add(progress(4)); // while the answer was on its way
    journal.acknowledged(heard);
    expect(journal.isOwing).toBe(true);
    const last = journal.report();
    expect(epochs(last)).toEqual([4]);
    journal.acknowledged(last);
    expect(journal.isOwing).toBe(false);
  });

  it('bounds one report and owes the rest', () => {
    const journal = new ProgressJournal();
    journal.add(progress(...Array.from({ length: 2500 }, (_, index) => index)));
    const seen: number[] = [];
    while (journal.isOwing) {
      const report = journal.report();
      seen.push(...(epochs(report) ?? []));
      journal.acknowledged(report);
    }
    expect(seen).toEqual(Array.from({ length: 2500 }, (_, index) => index));
  });
});
