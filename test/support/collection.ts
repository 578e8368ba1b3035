import { beforeAll } from 'vitest';
import { setCollecting } from './shared.js';

/* Runs before each test file: from here until its first hook, vitest collects the file's tests. */
setCollecting(true);
beforeAll(() => setCollecting(false));
