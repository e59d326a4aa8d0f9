/** Serves files by URL as the gateway does: GET and PUT under /objects/<name>, with faults on request. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class FileStore {
  readonly files = new Map<string, Buffer>();
  readonly puts: { name: string; sha256: string | undefined; length: string | undefined }[] = [];
  /** What happens to the next requests, first to last; afterwards all is well. */
  readonly faults: ('reset' | 'cut' | 'unavailable' | 'forbidden')[] = [];
  private constructor(private readonly server: Server) {}

  static async start(): Promise<FileStore> {
    const server = createServer();
    const store = new FileStore(server);
    server.on('request', (request, response) => void store.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return store;
  }

  url(name: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/objects/${name}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = (request.url ?? '').replace('/objects/', '');
    const fault = this.faults.shift();
    if (fault === 'reset') return void request.socket.destroy();
    if (fault === 'unavailable') return void response.writeHead(503).end();
    if (fault === 'forbidden') return void response.writeHead(403).end();
    if (request.method === 'GET') {
      const bytes = this.files.get(name);
      if (bytes === undefined) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-length': bytes.length });
      if (fault === 'cut') {
        response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy());
        return;
      }
      response.end(bytes);
      return;
    }
    const parts: Buffer[] = [];
    try {
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    } catch {
      return; // the sender died
    }
    const bytes = Buffer.concat(parts);
    const { headers } = request;
    this.puts.push({
      name,
      sha256: headers['x-content-sha256']?.toString(),
      length: headers['content-length'],
    });
    this.files.set(name, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    response.end(JSON.stringify({ key: name, sha256, sizeBytes: bytes.length }));
  }
}
