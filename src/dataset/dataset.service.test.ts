import { request } from 'node:http';
import { Failure } from '../../contracts';
import type { HoldoutRule, ProfileResult } from '../../contracts';
import { eventually } from '../platform/testing/two-tenants';
import { SEALED_BYTES, stage } from '../training/testing/stage';
import type { ProfilePayload, Stage } from '../training/testing/stage';
import { DATASET_VERSION_STATES, DATASET_VERSION_TRANSITIONS } from './dataset.entity';
import type { DatasetVersion, DatasetVersionState } from './dataset.entity';

let s: Stage;
beforeAll(async () => {
  s = await stage();
});
afterAll(() => s.close());

const CSV = 'area,price\n';
const version = (id: DatasetVersion['id']) => s.datasets.getVersion(s.a.ctx, id);
const nothingStored = () =>
  eventually(
    () => s.stored(s.a),
    (keys) => keys.length === 0,
  );

describe('a dataset', () => {
  it('goes from declaration to sealed, and only the sealed file stays', async () => {
    const { version: declared, upload, dataset } = await s.declare(s.a, { name: 'walk' });
    expect(declared).toMatchObject({ state: 'DECLARED', number: 1, target: 'price', task: 'regression' });
    const answer = await s.put(upload.url, CSV);
    await expect(answer.json()).resolves.toEqual({
      key: declared.rawKey,
      sha256: s.sha(Buffer.from(CSV)),
      sizeBytes: 11,
    });
    const uploaded = await version(declared.id);
    expect(uploaded).toMatchObject({ state: 'UPLOADED', rawBytes: 11 });

    const grant = await s.claim<ProfilePayload>(s.a, uploaded.taskId, 'profile');
    expect((await version(declared.id)).state).toBe('VALIDATING');
    expect(grant.payload).toMatchObject({
      format: 'csv',
      target: 'price',
      holdout: null,
      holdoutFraction: 0.2,
    });
    expect((await s.fetchBytes(grant.payload.source)).toString()).toBe(CSV);
    const sealed = await s.write(grant.payload.sealed, SEALED_BYTES);
    await expect(s.succeed(grant, s.profileResult(grant.payload, sealed))).resolves.toMatchObject({
      outcome: 'recorded',
    });

    const done = await version(declared.id);
    expect(done).toMatchObject({
      state: 'SEALED',
      rows: 10,
      holdoutRows: 2,
      sealedSha256: s.sha(SEALED_BYTES),
    });
    await eventually(
      () => s.stored(s.a),
      (keys) => keys.length === 1 && keys[0] === sealed.key,
    );
    expect(s.storage).toContainEqual(
      expect.objectContaining({ objectKey: sealed.key, bytes: SEALED_BYTES.length, event: 'created' }),
    );
    // The next version holds out the same rows.
    const second = await s.declare(s.a, { name: 'walk' });
    expect(second.dataset.id).toBe(dataset.id);
    expect(second.version.number).toBe(2);
    await s.put(second.upload.url, CSV);
    const { taskId } = await version(second.version.id);
    const again = await s.claim<ProfilePayload>(s.a, taskId, 'profile');
    expect(again.payload.holdout).toEqual(done.holdout);
    await s.finish(again, { status: 'failed', code: 'NO_ROWS', message: 'no', hint: null, column: null });

    await s.within(s.a, (tx) => s.datasets.deleteVersion(s.a.ctx, tx, declared.id));
    await nothingStored();
    expect(s.storage.at(-1)).toMatchObject({ objectKey: sealed.key, event: 'deleted' });
  });

  it('is held out by the group that its first version named, and by no other', async () => {
    const name = 'streets';
    const holdout = { kind: 'group', column: 'street', salt: name, fraction: 0.2 } as const;
    const upload = async (tenant: typeof s.a, holdoutGroup: string | null) => {
      const { version: declared, upload } = await s.declare(tenant, { name, holdoutGroup });
      await s.put(upload.url, CSV);
      const { taskId } = await s.datasets.getVersion(tenant.ctx, declared.id);
      return s.claim<ProfilePayload>(tenant, taskId, 'profile');
    };
    const seal = async (tenant: typeof s.a, grant: Awaited<ReturnType<typeof upload>>, rule: HoldoutRule) => {
      const sealed = await s.write(grant.payload.sealed, SEALED_BYTES);
      await s.succeed(grant, { ...s.profileResult(grant.payload, sealed), holdout: rule } as ProfileResult);
      return s.datasets.getVersion(tenant.ctx, grant.payload.datasetVersionId);
    };
    const [first, meanwhile] = [await upload(s.a, 'street'), await upload(s.a, null)];
    expect(first.payload).toMatchObject({ holdout: null, holdoutGroup: 'street' });
    expect(meanwhile.payload.holdoutGroup).toBeUndefined();
    await expect(seal(s.a, first, holdout)).resolves.toMatchObject({ state: 'SEALED', holdout });
    // A version that was read before the first one was sealed, and holds out other rows, is none of this dataset.
    await expect(seal(s.a, meanwhile, { kind: 'hash', salt: name, fraction: 0.2 })).resolves.toMatchObject({
      state: 'REJECTED',
      errorCode: 'CONFLICT',
    });
    await expect(s.declare(s.a, { name, holdoutGroup: 'area' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      path: ['holdoutGroup'],
    });
    for (const group of [null, 'street']) {
      const next = await upload(s.a, group);
      expect(next.payload.holdout).toEqual(holdout);
      await s.finish(next, { status: 'failed', code: 'NO_ROWS', message: 'no', hint: null, column: null });
    }
    // Another tenant's dataset of the same name is another dataset.
    const theirs = await upload(s.b, 'area');
    expect(theirs.payload).toMatchObject({ holdout: null, holdoutGroup: 'area' });
    const rule = { ...holdout, column: 'area' };
    await expect(seal(s.b, theirs, rule)).resolves.toMatchObject({ state: 'SEALED', holdout: rule });
    await s.within(s.a, (tx) => s.datasets.deleteVersion(s.a.ctx, tx, first.payload.datasetVersionId));
    await s.within(s.b, (tx) => s.datasets.deleteVersion(s.b.ctx, tx, theirs.payload.datasetVersionId));
    await nothingStored();
  });

  it('that is rejected says why and leaves nothing in the store', async () => {
    const { version: declared, upload } = await s.declare(s.a);
    await s.put(upload.url, CSV);
    const grant = await s.claim<ProfilePayload>(s.a, (await version(declared.id)).taskId, 'profile');
    await s.write(grant.payload.sealed, SEALED_BYTES);
    await s.finish(grant, {
      status: 'failed',
      code: 'TARGET_CONSTANT',
      message: 'the target has one value only',
      hint: 'choose another target',
      column: 'price',
    });
    await expect(version(declared.id)).resolves.toMatchObject({
      state: 'REJECTED',
      errorCode: 'TARGET_CONSTANT',
      errorMessage: 'the target has one value only',
      errorHint: 'choose another target',
      errorColumn: 'price',
    });
    await nothingStored();
    await expect(s.start(s.a, declared.id)).rejects.toMatchObject({ code: 'STATE_CONFLICT' });
  });

  it('is not sealed with a file that was not stored as announced', async () => {
    const { version: declared, upload } = await s.declare(s.a);
    await s.put(upload.url, CSV);
    const grant = await s.claim<ProfilePayload>(s.a, (await version(declared.id)).taskId, 'profile');
    const sealed = await s.write(grant.payload.sealed, SEALED_BYTES);
    await s.succeed(
      grant,
      s.profileResult(grant.payload, { ...sealed, sha256: s.sha(Buffer.from('other')) }),
    );
    await expect(version(declared.id)).resolves.toMatchObject({
      state: 'REJECTED',
      errorCode: 'CHECKSUM_MISMATCH',
    });
    await nothingStored();
  });

  it('cannot be changed once it is sealed, whoever tries', async () => {
    const sealed = await s.seal(s.a);
    for (const set of ['rows = 11', `columns = '[]'`, `sealed_sha256 = '${'0'.repeat(64)}'`, `task = null`]) {
      await expect(
        s.within(s.a, (tx) => tx.query(`update app.dataset_version set ${set} where id = $1`, [sealed.id])),
      ).rejects.toMatchObject({ driverError: { code: '23514' } });
    }
    await expect(
      s.within(s.a, (tx) => tx.query('delete from app.dataset_version where id = $1', [sealed.id])),
    ).rejects.toThrow('permission denied');
    await s.within(s.a, (tx) => s.datasets.deleteVersion(s.a.ctx, tx, sealed.id));
    await nothingStored();
  });

  it('of another tenant is not found', async () => {
    const { version: declared, dataset } = await s.declare(s.a, { name: 'mine' });
    await expect(s.datasets.getVersion(s.b.ctx, declared.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(s.datasets.getDataset(s.b.ctx, dataset.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(
      s.within(s.b, (tx) => s.datasets.deleteVersion(s.b.ctx, tx, declared.id)),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(s.declare(s.b, { scenarioId: s.a.scenarioId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const page = await s.datasets.listVersions(s.b.ctx, dataset.id, { limit: 10, after: null });
    expect(page.items).toEqual([]);
  });

  it.each([
    [{ sizeBytes: -1 }, 'BAD_INPUT'],
    [{ sizeBytes: 1.5 }, 'BAD_INPUT'],
    [{ sizeBytes: 10_000_001 }, 'UPLOAD_TOO_LARGE'],
    [{ name: ' ' }, 'BAD_INPUT'],
    [{ target: 'x'.repeat(201) }, 'BAD_INPUT'],
    [{ holdoutFraction: 0.6 }, 'BAD_INPUT'],
    [{ exclude: ['price'] }, 'BAD_INPUT'],
    [{ holdoutGroup: 'price' }, 'BAD_INPUT'],
    [{ holdoutGroup: ' ' }, 'BAD_INPUT'],
    [{ holdoutGroup: 'street', task: 'forecast' as const }, 'BAD_INPUT'],
  ])('is refused when declared as %j', async (set, code) => {
    await expect(s.declare(s.a, set)).rejects.toMatchObject({ code });
  });
});

describe('an upload', () => {
  const rejected = async (id: DatasetVersion['id'], code: string) => {
    await eventually(
      () => version(id),
      (now) => now.state === 'REJECTED' && now.errorCode === code,
    );
    await nothingStored();
  };
  beforeAll(nothingStored);

  it('larger than declared is refused, announced or not', async () => {
    const one = await s.declare(s.a);
    const answer = await s.put(one.upload.url, `${CSV}1,2\n`);
    expect(answer.status).toBe(413);
    await expect(answer.json()).resolves.toMatchObject({ error: { code: 'UPLOAD_TOO_LARGE' } });
    await rejected(one.version.id, 'UPLOAD_TOO_LARGE');

    const two = await s.declare(s.a);
    const chunked = await fetch(two.upload.url, {
      method: 'PUT',
      body: new Blob(['x'.repeat(100_000)]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
    await rejected(two.version.id, 'UPLOAD_TOO_LARGE');
  });

  it('with fewer bytes than declared is refused', async () => {
    const { version: declared, upload } = await s.declare(s.a, { sizeBytes: 12 });
    expect((await s.put(upload.url, CSV)).status).toBe(400);
    await rejected(declared.id, 'UPLOAD_INCOMPLETE');
  });

  it('cut off half-way leaves nothing', async () => {
    const { version: declared, upload } = await s.declare(s.a, { sizeBytes: 1_000_000 });
    await new Promise<void>((resolve) => {
      const sent = request(upload.url, { method: 'PUT', headers: { 'content-length': 1_000_000 } });
      sent.on('error', () => resolve());
      sent.write(Buffer.alloc(300_000), () => setTimeout(() => sent.destroy(), 50));
      sent.on('close', () => resolve());
    });
    await rejected(declared.id, 'UPLOAD_INCOMPLETE');
  });

  it('with another checksum is refused', async () => {
    const { version: declared, upload } = await s.declare(s.a, { sha256: s.sha(Buffer.from('other')) });
    const answer = await s.put(upload.url, CSV);
    expect(answer.status).toBe(400);
    await expect(answer.json()).resolves.toMatchObject({ error: { code: 'CHECKSUM_MISMATCH' } });
    await rejected(declared.id, 'CHECKSUM_MISMATCH');
  });

  it('may be repeated with the same bytes and not with others', async () => {
    const { version: declared, upload } = await s.declare(s.a);
    const first: unknown = await (await s.put(upload.url, CSV)).json();
    const again = await s.put(upload.url, CSV);
    expect(again.status).toBe(200);
    await expect(again.json()).resolves.toEqual(first);
    const other = await s.put(upload.url, 'AREA,PRICE\n');
    expect(other.status).toBe(409);
    const tasks = await s.look('select 1 from app.task where owner_id = $1', [declared.id]);
    expect(tasks).toHaveLength(1);
    await s.within(s.a, (tx) => s.datasets.deleteVersion(s.a.ctx, tx, declared.id));
    await nothingStored();
    expect((await s.put(upload.url, CSV)).status).toBe(403);
  });

  it('needs its own URL', async () => {
    const { upload } = await s.declare(s.a);
    expect((await s.put(upload.url.slice(0, -1), CSV)).status).toBe(403);
    expect((await fetch(upload.url)).status).toBe(403);
    expect((await fetch(`${s.publicUrl}/objects/x`)).status).toBe(403);
  });
});

it('state machine: the database holds the same table', async () => {
  for (const from of DATASET_VERSION_STATES) {
    for (const to of DATASET_VERSION_STATES) {
      if (from === to || to === 'SEALED') continue;
      const [row] = await s.look<{ allowed: boolean }>(
        `select $1 = any (string_to_array(encode(tgargs, 'escape'), '\\000')) as allowed
           from pg_trigger where tgname = 'dataset_version_transition'`,
        [`${from}>${to}`],
      );
      expect([from, to, row?.allowed]).toEqual([from, to, DATASET_VERSION_TRANSITIONS[from].includes(to)]);
    }
  }
});

it('follows a version to its end, for its tenant only', async () => {
  const { version: declared, upload } = await s.declare(s.a);
  const states: DatasetVersionState[] = [];
  const followed = (async () => {
    for await (const update of s.datasets.progress(s.a.ctx, declared.id)) states.push(update.version.state);
  })();
  await eventually(
    async () => states.length,
    (count) => count === 1,
  );
  await s.put(upload.url, CSV);
  await eventually(
    async () => states.at(-1),
    (state) => state === 'UPLOADED',
  );
  const grant = await s.claim<ProfilePayload>(s.a, (await version(declared.id)).taskId, 'profile');
  await eventually(
    async () => states.at(-1),
    (state) => state === 'VALIDATING',
  );
  await s.finish(grant, { status: 'failed', code: 'NO_ROWS', message: 'no rows', hint: null, column: null });
  await followed;
  expect(states).toEqual(['DECLARED', 'UPLOADED', 'VALIDATING', 'REJECTED']);
  await expect(s.datasets.progress(s.b.ctx, declared.id).next()).rejects.toEqual(
    new Failure('NOT_FOUND', 'no such dataset version'),
  );
});
