import { setTimeout as sleep } from 'node:timers/promises';
import type { Finish } from '../../contracts';
import type { Logger } from '../log';
import { ControlUnavailable, pauseMs } from './control-plane';
import type { ControlPlane } from './control-plane';
import type { ProgressJournal } from './journal';
import type { Lease } from './lease';
import { MessageTooLarge } from './link';
import { platformFailure } from './outcome';

const FINISH_TIMEOUT_MS = 3000;
/** How long a stopping worker tries to say how a task ended; otherwise the lease runs out. */
const STOPPING_MS = 3000;
/** A result that was refused this often is reported as a failure of ours instead. */
const REFUSALS_OF_RESULT = 5;
/** And one that cannot even be failed is left to its lease, so that it does not hold the slot for ever. */
const REFUSALS_OF_ANYTHING = 10;

/**
 * Says how the attempt ended until that is recorded or refused. The lease goes on beating meanwhile, and what the
 * journal still owes goes first, so that no epoch is missing when the task's state is final.
 */
export async function finishOnce(
  { control, stopping }: { readonly control: ControlPlane; readonly stopping: AbortSignal },
  lease: Lease,
  journal: ProgressJournal,
  finish: Finish,
  log: Logger,
): Promise<'recorded' | 'lost' | 'unheard'> {
  let stoppingSinceMs: number | null = null;
  let refusals = 0;
  let said = finish;
  for (let failures = 0; ; failures++) {
    if (stopping.aborted) {
      stoppingSinceMs ??= performance.now();
      if (performance.now() - stoppingSinceMs > STOPPING_MS) return 'unheard';
    }
    if (failures > 0) await sleep(pauseMs(failures));
    try {
      while (journal.isOwing) {
        const heard = await lease.beat();
        if (heard === 'lost') return 'lost';
        if (heard === 'unheard') throw new ControlUnavailable('no answer', false);
      }
      return (await control.finish(said, FINISH_TIMEOUT_MS)).outcome;
    } catch (error) {
      if (error instanceof MessageTooLarge) {
        log.error({ sizeBytes: error.sizeBytes, limitBytes: error.limitBytes }, 'result too large to report');
        said = { ...finish, outcome: platformFailure('INTERNAL', 'the result is too large to be reported') };
        continue;
      }
      const unavailable = error instanceof ControlUnavailable ? error : null;
      if (unavailable?.refused !== false) refusals++;
      log.warn({ reason: unavailable?.reason ?? 'failed', failures, refusals }, 'finish not recorded yet');
      if (refusals >= REFUSALS_OF_ANYTHING) return 'unheard';
      if (refusals >= REFUSALS_OF_RESULT && said.outcome.status === 'succeeded') {
        said = { ...finish, outcome: platformFailure('INTERNAL', 'the result could not be recorded') };
      }
    }
  }
}
