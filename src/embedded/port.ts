import { createServer } from 'node:net';
import { freePort } from './child';
import { StartError } from './data-folder';

/** The gateway's port: the one asked for, or a free one for 0. Throws StartError when it cannot be had. */
export const gatewayPort = async (wanted: number, host: string): Promise<number> => {
  if (wanted === 0) return freePort();
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `port ${wanted} is in use by another program`
          : `port ${wanted} on ${host} cannot be opened (${cause.code})`;
      reject(new StartError(`${why}; choose another with --port N (0 picks a free one)`, { cause }));
    });
    server.listen(wanted, host, () => server.close(() => resolve()));
  });
  return wanted;
};
