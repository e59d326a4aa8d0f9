import { randomBytes } from 'node:crypto';
import type { TenantId } from '../../../contracts';
import { newId } from '../ids';
import { mintKey } from './key';
import { SignedUrls } from './signed-urls';

const tenant = newId<TenantId>();
const key = mintKey(tenant, 'onnx');
const at = (ms: number) => ({ now: () => new Date(ms) });
const make = (nowMs = 1000, secret = randomBytes(32)) =>
  new SignedUrls({ publicUrl: () => 'http://localhost:4000', secret, clock: at(nowMs) });
const token = (url: string): string => url.slice(url.lastIndexOf('/') + 1);

describe('signed URLs', () => {
  it('carry their permission', () => {
    const urls = make();
    const url = urls.put(key, { maxBytes: 7, ttlMs: 1000, purpose: 'dataset' });
    expect(url).toMatch(/^http:\/\/localhost:4000\/objects\/[\w.-]+$/);
    expect(urls.verify(token(url), 'PUT')).toMatchObject({ key, maxBytes: 7, purpose: 'dataset' });
  });

  it('end', () => {
    const secret = randomBytes(32);
    const url = make(1000, secret).get(key, 500);
    expect(make(1499, secret).verify(token(url), 'GET').key).toBe(key);
    expect(() => make(1500, secret).verify(token(url), 'GET')).toThrow('expired');
  });

  it('are for one method', () => {
    const urls = make();
    expect(() => urls.verify(token(urls.get(key, 500)), 'PUT')).toThrow('not valid');
  });

  it('are refused after any edit, and from another platform', () => {
    const urls = make();
    const good = token(urls.get(key, 500));
    for (let i = 0; i < good.length; i++) {
      for (const letter of ['A', 'z', '.', '%']) {
        const bad = good.slice(0, i) + letter + good.slice(i + 1);
        if (bad !== good) expect(() => urls.verify(bad, 'GET')).toThrow(/not valid/);
      }
    }
    expect(() => make().verify(good, 'GET')).toThrow('not valid');
    for (const bad of ['', '.', 'a.b', `${good}.`, `${good}A`, good.split('.')[0] ?? '']) {
      expect(() => urls.verify(bad, 'GET')).toThrow(/not valid/);
    }
  });

  it('are never made for a key that the platform did not mint', () => {
    expect(() => make().get(`t/${tenant}/../x`, 500)).toThrow('not an object key');
  });
});
