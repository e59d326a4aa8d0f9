import { Client } from 'pg';
import { connect } from 'nats';
import { freshDatabase } from './database';
import { startNats } from './nats';
import { startPostgres } from './postgres';

describe('what tests stand on', () => {
  it('gives every caller a database of its own, through roles that bypass nothing', async () => {
    const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
    expect(one.name).not.toBe(other.name);
    for (const [url, user] of [
      [one.ownerUrl, 'mm_owner'],
      [one.appUrl, 'mm_app'],
      [other.platformUrl, 'mm_platform'],
    ] as const) {
      const client = new Client({ connectionString: url });
      await client.connect();
      const found = await client.query<{ name: string; loose: boolean }>(
        'select rolname as name, rolsuper or rolbypassrls as loose from pg_roles where rolname = current_user',
      );
      await client.end();
      expect(found.rows).toEqual([{ name: user, loose: false }]);
    }
  });

  it('gives a nats-server with JetStream that refuses strangers and survives kill -9', async () => {
    const nats = await startNats();
    try {
      const at = new URL(nats.url);
      await expect(connect({ servers: at.host })).rejects.toThrow(/authorization/i);
      const open = () => connect({ servers: at.host, user: at.username, pass: at.password });
      const first = await open();
      const manager = await first.jetstreamManager();
      await manager.streams.add({ name: 'KEPT', subjects: ['kept'] });
      await first.jetstream().publish('kept');
      await first.close();
      await nats.kill();
      await nats.start();
      const again = await open();
      const info = await (await again.jetstreamManager()).streams.info('KEPT');
      expect(info.state.messages).toBe(1);
      await again.close();
    } finally {
      await nats.stop();
    }
  });

  it('gives a PostgreSQL of its own that may be killed, with data that survives', async () => {
    const own = await startPostgres();
    try {
      const query = async (sql: string) => {
        const client = new Client({ connectionString: own.ownerUrl });
        await client.connect();
        try {
          return (await client.query<Record<string, unknown>>(sql)).rows;
        } finally {
          await client.end();
        }
      };
      await query('create table kept (id int); insert into kept values (1)');
      await own.server.kill();
      await expect(query('select 1')).rejects.toThrow(/ECONNREFUSED/);
      await own.server.start();
      expect(await query('select id from kept')).toEqual([{ id: 1 }]);
    } finally {
      await own.stop();
    }
  });
});
