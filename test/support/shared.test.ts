import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { corpus, describeShared } from './shared.js';

describeShared('the conformance corpus', () => {
  test('has its 1,539 models, and data for 1,224', () => {
    const models = corpus();
    expect(models).toHaveLength(1539);
    expect(models.filter((m) => !existsSync(m.path))).toEqual([]);
    expect(models.filter((m) => m.dataSets.length > 0)).toHaveLength(1224);
  });
});
