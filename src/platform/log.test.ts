import { QueryFailedError } from 'typeorm';
import { Failure } from '../../contracts';
import { safeError } from './safe-error';

const CANARY = 'canary-4711';

it('the log never says what the database quotes', () => {
  const driver = Object.assign(new Error(`invalid input syntax for type uuid: "${CANARY}"`), {
    code: '22P02',
    detail: `Key (email)=(${CANARY}) already exists.`,
    constraint: 'member_email',
  });
  const failed = new QueryFailedError(`select '${CANARY}'`, [CANARY], driver);
  const wrapped = new Failure('INTERNAL', 'an unexpected error occurred', { cause: failed });
  const logged = safeError(wrapped);
  expect(JSON.stringify(logged)).not.toContain(CANARY);
  expect(logged).toMatchObject({
    code: 'INTERNAL',
    message: 'an unexpected error occurred',
    cause: { code: '22P02' },
  });
  expect(logged.cause?.stack).toContain('at ');
});

it('the log says what our own errors say', () => {
  expect(safeError(new Error('the runner ended'))).toMatchObject({
    type: 'Error',
    message: 'the runner ended',
  });
  expect(safeError('text')).toEqual({ type: 'string' });
});
