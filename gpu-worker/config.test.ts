import { parseConfig } from './config';

describe("the worker's environment", () => {
  it('has defaults for all but the address of NATS', () => {
    const config = parseConfig({ NATS_URL: 'nats://127.0.0.1:4222' });
    expect(config.slots).toEqual({ train: 1, data: 1 });
    expect(config.memoryMb).toEqual({ train: 2048, data: 1024 });
    expect(config).toMatchObject({ devices: ['cpu'], engine: 'onnxruntime' });
    expect(config.workerId).toMatch(/-\d+$/);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('passes on to task processes only what they need', () => {
    const config = parseConfig({
      NATS_URL: 'nats://user:secret@127.0.0.1:4222',
      PATH: '/usr/bin',
      CUDA_VISIBLE_DEVICES: '0',
      AWS_SECRET_ACCESS_KEY: 'secret',
      MM_SECRET: 'secret',
      NODE_OPTIONS: '--inspect',
    });
    expect(config.childEnv).toEqual({ PATH: '/usr/bin', CUDA_VISIBLE_DEVICES: '0' });
  });

  it('names every wrong variable at once, and the valid devices', () => {
    expect(() => parseConfig({ MM_SLOTS_TRAIN: 'many', MM_TRAIN_MEMORY_MB: '1' })).toThrow(
      /NATS_URL[^]*MM_SLOTS_TRAIN[^]*MM_TRAIN_MEMORY_MB/,
    );
    expect(() => parseConfig({ NATS_URL: 'nats://x', MM_DEVICES: 'tpu' })).toThrow(/cpu, webgpu, cuda/);
  });
});
