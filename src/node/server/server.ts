import type { Server } from 'node:http';
import { CnnxError } from '../../base/errors.js';
import { type AppOptions, createApp } from './app.js';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** For a whole request, body included; in milliseconds. */
  readonly requestTimeout: number;
}

export interface RunningServer {
  readonly url: string;
  /** Takes no new connections, answers what is there, then ends; connections that stay open are closed after `grace` milliseconds. */
  close(grace: number): Promise<void>;
}

/** A header has to come within this time: connections that say nothing are closed. */
const HEADERS_TIMEOUT = 10_000;
const KEEP_ALIVE = 75_000;

/** Starts the server. Throws `serve/unavailable` where the address is taken, or a package is not installed. */
export async function listen(app: Omit<AppOptions, 'isReady'>, options: ListenOptions): Promise<RunningServer> {
  let ready = true;
  const { createAdaptorServer } = await import('@hono/node-server').catch((error: unknown) => {
    throw new CnnxError('serve/unavailable', 'the package @hono/node-server is not installed', {
      hint: 'npm install hono @hono/node-server prom-client',
      cause: error,
    });
  });
  const { fetch } = await createApp({ ...app, isReady: () => ready });
  const server = createAdaptorServer({
    fetch,
    serverOptions: {
      requestTimeout: options.requestTimeout,
      headersTimeout: Math.min(HEADERS_TIMEOUT, options.requestTimeout),
      keepAliveTimeout: KEEP_ALIVE,
      connectionsCheckingInterval: 1000,
    },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new CnnxError('serve/unavailable', `cannot listen on ${options.host}:${options.port}: ${error.message}`, {
          hint: 'choose another --port',
          cause: error,
        }),
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    close: (grace) => {
      ready = false;
      return new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), grace);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}
