import type { z } from 'zod';
import {
  CheckpointReply,
  ClaimReply,
  ControlError,
  FinishReply,
  HeartbeatReply,
  subject,
} from '../../contracts';
import type { CheckpointRequest, ClaimRequest, Finish, Heartbeat } from '../../contracts';
import { MessageTooLarge } from './link';
import type { Link } from './link';

const LONGEST_PAUSE_MS = 2000;
/** How long to wait after the n-th failure in a row. */
export const pauseMs = (failures: number): number => Math.min(LONGEST_PAUSE_MS, 50 * 2 ** failures);

/** The control plane did not answer, or could not serve the request: ask again later. */
export class ControlUnavailable extends Error {
  constructor(
    readonly reason: string,
    /** It was reached and refused this very request: another time may end the same way. */
    readonly refused: boolean,
    options?: ErrorOptions,
  ) {
    super(`the control plane did not serve the request: ${reason}`, options);
    this.name = 'ControlUnavailable';
  }
}

/** Claim, heartbeat and finish as requests over the wire. Rejects with ControlUnavailable, or MessageTooLarge. */
export class ControlPlane {
  constructor(private readonly link: Link) {}

  claim(request: ClaimRequest, timeoutMs: number): Promise<ClaimReply> {
    return this.ask(subject.claim, request, ClaimReply, timeoutMs);
  }
  heartbeat(heartbeat: Heartbeat, timeoutMs: number): Promise<HeartbeatReply> {
    return this.ask(subject.heartbeat, heartbeat, HeartbeatReply, timeoutMs);
  }
  finish(finish: Finish, timeoutMs: number): Promise<FinishReply> {
    return this.ask(subject.finish, finish, FinishReply, timeoutMs);
  }

  checkpoint(request: CheckpointRequest, timeoutMs: number): Promise<CheckpointReply> {
    return this.ask(subject.checkpoint, request, CheckpointReply, timeoutMs);
  }

  private async ask<Reply>(
    to: string,
    body: unknown,
    reply: z.ZodType<Reply>,
    timeoutMs: number,
  ): Promise<Reply> {
    let answer: unknown;
    try {
      answer = await this.link.request(to, body, timeoutMs);
    } catch (error) {
      if (error instanceof MessageTooLarge) throw error; // asking again would not help
      throw new ControlUnavailable('no answer', false, { cause: error });
    }
    const refused = ControlError.safeParse(answer);
    if (refused.success) throw new ControlUnavailable(refused.data.code, refused.data.code !== 'UNAVAILABLE');
    const parsed = reply.safeParse(answer);
    if (!parsed.success) throw new ControlUnavailable('answer not understood', true, { cause: parsed.error });
    return parsed.data;
  }
}
