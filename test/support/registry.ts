import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/*
 * A package registry on the loopback, which has packages of the project's own node_modules.
 */

/** What a registry does with a request: answers, refuses, or says nothing. */
export type Mood = 'answers' | 'refuses' | 'hangs';

export interface PackedPackage {
  readonly manifest: { readonly name: string; readonly version: string };
  readonly bytes: Buffer;
}

/** Some files of an installed package as a tarball; its manifest with changes. */
export function packed(modules: string, name: string, parts: readonly string[], changes: object = {}): PackedPackage {
  const manifest = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')) as PackedPackage['manifest'];
  // Names in an npm tarball begin with a folder, which npm takes off.
  const tar = ['c', '-C', modules, ...parts.map((part) => `${name}/${part}`)];
  const bytes = gzipSync(execFileSync('tar', tar, { maxBuffer: 2 ** 28 }), { level: 1 });
  return { manifest: { ...manifest, ...changes }, bytes };
}

export class Registry {
  mood: Mood = 'answers';
  requests = 0;
  readonly #server: Server;
  readonly #packages: ReadonlyMap<string, PackedPackage>;

  constructor(packages: readonly PackedPackage[]) {
    this.#packages = new Map(packages.map((p) => [p.manifest.name, p]));
    this.#server = createServer((request, response) => {
      this.requests += 1;
      if (this.mood === 'hangs') return;
      const [path = ''] = decodeURIComponent(request.url ?? '').split('?');
      const wanted = this.#packages.get(path.slice(1).replace(/\.tgz$/, ''));
      if (this.mood === 'refuses' || !wanted) return void response.writeHead(404).end('{}');
      if (path.endsWith('.tgz')) return void response.end(wanted.bytes);
      const { name, version } = wanted.manifest;
      const dist = {
        tarball: `${this.url}${name}.tgz`,
        integrity: `sha512-${createHash('sha512').update(wanted.bytes).digest('base64')}`,
      };
      const versions = { [version]: { ...wanted.manifest, dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    });
  }

  listen(): Promise<void> {
    return new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
