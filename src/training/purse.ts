/** What an amount of money buys of training time. Exact: counted in parts of a nano unit that both prices divide. */
import type { Device } from '../../contracts';
import type { TenantTx } from '../platform/database';
import type { TrainingPrices, UnitPrice } from './ports';

export interface DevicePrices {
  readonly currency: string;
  /** Null where time costs nothing. */
  readonly cpu: UnitPrice | null;
  readonly gpu: UnitPrice | null;
}

export const TRAINING_METERS = { cpu: 'training_cpu_ns', gpu: 'training_gpu_ns' } as const;

/** Devices that are paid alike. */
export const billedAs = (device: Device): keyof typeof TRAINING_METERS => (device === 'cpu' ? 'cpu' : 'gpu');

export const devicePrices = async (source: TrainingPrices, tx: TenantTx): Promise<DevicePrices> => {
  const { currency, prices } = await source.pricesNow(tx);
  const of = (meter: keyof typeof prices): UnitPrice | null => {
    const price = prices[meter];
    return price === undefined || price.amountNano === 0n ? null : price;
  };
  return { currency, cpu: of(TRAINING_METERS.cpu), gpu: of(TRAINING_METERS.gpu) };
};

/** Nanoseconds on one kind of device. */
export interface DeviceTime {
  readonly device: Device;
  readonly ns: bigint;
}

const NS_PER_MS = 1_000_000;

export class Purse {
  private readonly parts: bigint;
  private left: bigint;

  constructor(
    amountNano: bigint,
    private readonly prices: Pick<DevicePrices, 'cpu' | 'gpu'>,
  ) {
    this.parts = (prices.cpu?.perQuantity ?? 1n) * (prices.gpu?.perQuantity ?? 1n);
    this.left = amountNano * this.parts;
  }

  /** Takes the price of as much of the time as there is money for, and says how many nanoseconds that was. */
  pay({ device, ns }: DeviceTime): bigint {
    const each = this.partsOfNs(device);
    const bought = each === 0n ? ns : this.left / each;
    const paid = ns < bought ? ns : bought;
    this.left -= paid * each;
    return paid;
  }

  /** Milliseconds that the rest buys on a device; null: time costs nothing there. */
  buysMs(device: Device): number | null {
    const each = this.partsOfNs(device);
    return each === 0n ? null : Number(this.left / each) / NS_PER_MS;
  }

  /** 0 to 1: how much is left of an amount. */
  shareOf(amountNano: bigint): number {
    return Number(this.left) / Number(amountNano * this.parts);
  }

  private partsOfNs(device: Device): bigint {
    const price = this.prices[billedAs(device)];
    return price === null ? 0n : (price.amountNano * this.parts) / price.perQuantity;
  }
}

/** Nano units for some seconds, rounded up; a bill is rounded once, from the ledger. */
export const costOf = (seconds: number, price: UnitPrice | null): bigint => {
  if (price === null) return 0n;
  const parts = BigInt(Math.ceil(seconds * 1e9)) * price.amountNano;
  return (parts + price.perQuantity - 1n) / price.perQuantity;
};
