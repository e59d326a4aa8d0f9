/** What the control protocol needs from the wire. */
export interface Link {
  /**
   * Sends a request and resolves with the decoded answer; rejects when nobody answers in time, with MessageTooLarge
   * when the server would not carry the request.
   */
  request(subject: string, body: unknown, timeoutMs: number): Promise<unknown>;
  /** At most once, no answer. */
  publish(subject: string, body: unknown): void;
  /** Returns the way to stop listening. */
  listen(subject: string, handle: (body: unknown) => void): () => void;
}

export class MessageTooLarge extends Error {
  constructor(
    readonly sizeBytes: number,
    readonly limitBytes: number,
  ) {
    super(`a message of ${sizeBytes} bytes is over the limit of ${limitBytes}`);
    this.name = 'MessageTooLarge';
  }
}
