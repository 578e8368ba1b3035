#!/usr/bin/env node
import nodeModule, { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KeptCode } from './kept-code.js';

/** The command line, from code that is compiled already where that is to be had: kept by our build, or else by Node, which does so from 22.1 on. */
function program(): { readonly start: () => Promise<void> } {
  const kept = new KeptCode(dirname(fileURLToPath(import.meta.url)));
  if (kept.fits('program.cjs')) return kept.load('program.cjs') as ReturnType<typeof program>;
  if ('enableCompileCache' in nodeModule && typeof nodeModule.enableCompileCache === 'function')
    nodeModule.enableCompileCache();
  return createRequire(import.meta.url)('./program.cjs') as ReturnType<typeof program>;
}

void program().start();
