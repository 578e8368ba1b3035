#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import nodeModule, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../node/files/cache-folder.js';
import { CodeCache } from './code-cache.js';

interface Program {
  readonly start: () => Promise<void>;
}

/** The command line, from code that is compiled already where that is to be had. */
function program(): Program {
  if ('enableCompileCache' in nodeModule && typeof nodeModule.enableCompileCache === 'function') {
    nodeModule.enableCompileCache();
    return createRequire(import.meta.url)('./program.cjs') as Program;
  }
  const cache = new CodeCache(dirname(fileURLToPath(import.meta.url)), codeFolder());
  // Commands compile what they need: each has code of its own. A call that went wrong did not get that far.
  process.on('exit', (code) => {
    if (code === 0) cache.keep();
  });
  return cache.load('program.cjs') as Program;
}

function codeFolder(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const [, , word = ''] = process.argv;
  return join(cacheFolder(), 'code', `${version}-${process.version}`, /^[a-z]+$/.test(word) ? word : 'help');
}

void program().start();
