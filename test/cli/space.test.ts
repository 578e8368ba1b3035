import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cnnx, MAIN } from '../support/cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnx-space-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => cnnx(['space', ...args], { cwd: folder });
const lines = (file: string): string[] => readFileSync(join(folder, file), 'utf8').trim().split('\n');

describe('sample, measure, merge, report', () => {
  test('cards that cnnx build takes', async () => {
    const { code, stdout } = await run(
      'sample',
      '--space',
      'anynet_e',
      '--macs',
      '20M..40M',
      '--n',
      '4',
      '-o',
      'cards.jsonl',
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'written: cards.jsonl, 4 networks of anynet_e\n' });
    writeFileSync(join(folder, 'one.json'), lines('cards.jsonl')[0] ?? '');
    const built = await cnnx(['build', 'one.json', '-o', 'one.onnx', '--json'], { cwd: folder });
    expect(built.code).toBe(0);
  });

  test('a run that was killed goes on, and what it had stays to the byte', async () => {
    const measure = ['measure', 'cards.jsonl', '-o', 'times.jsonl', '--runs', '3', '--reference', 'shufflenet_v2_x0_5'];
    await new Promise<void>((done) => {
      const child = execFile(process.execPath, [MAIN, 'space', ...measure], { cwd: folder }, () => done());
      const poll = setInterval(() => {
        try {
          // The reference and one network at least.
          if (lines('times.jsonl').length < 2) return;
        } catch {
          return;
        }
        clearInterval(poll);
        child.kill('SIGKILL');
      }, 5);
      child.on('close', () => clearInterval(poll));
    });
    const before = lines('times.jsonl');
    appendFileSync(join(folder, 'times.jsonl'), '{"name":"half');
    const { code, stdout } = await run(...measure);
    expect(code).toBe(0);
    expect(stdout).toMatch(/were there already/);
    const after = lines('times.jsonl');
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after).toHaveLength(5);
    expect(new Set(after.slice(1).map((l) => (JSON.parse(l) as { name: string }).name)).size).toBe(4);
    expect((await run(...measure)).stdout).toMatch(/0 networks measured, 4 were there already/);
  });

  test('other settings for the same file are refused', async () => {
    const { code, stderr } = await run(
      'measure',
      'cards.jsonl',
      '-o',
      'times.jsonl',
      '--runs',
      '5',
      '--reference',
      'shufflenet_v2_x0_5',
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/begun with runs 3, and 5 is asked for/);
  });

  test('shards take each network once, and merge to one file', async () => {
    for (const i of ['1', '2'])
      await run(
        'measure',
        'cards.jsonl',
        '-o',
        `part${i}.jsonl`,
        '--runs',
        '3',
        '--shard',
        `${i}/2`,
        '--reference',
        'shufflenet_v2_x0_5',
      );
    const { code } = await run('merge', 'part1.jsonl', 'part2.jsonl', '-o', 'merged.jsonl');
    expect(code).toBe(0);
    const names = (file: string): string[] =>
      lines(file)
        .slice(1)
        .map((l) => (JSON.parse(l) as { name: string }).name);
    expect(names('merged.jsonl')).toEqual([...names('times.jsonl')].sort());
  });

  test('the report: text, JSON, CSV, one HTML file', async () => {
    writeFileSync(
      join(folder, 'errors.csv'),
      `name,error\n${(JSON.parse(lines('times.jsonl')[1] ?? '') as { name: string }).name},41.5\n`,
    );
    const { code, stdout } = await run('report', 'times.jsonl', '--errors', 'errors.csv', '-o', 'space.html');
    expect(code).toBe(0);
    expect(stdout).toMatch(/anynet_e +4 /);
    expect(readFileSync(join(folder, 'space.html'), 'utf8')).toMatch(/^<!doctype html>/);
    const json = JSON.parse((await run('report', 'times.jsonl', '--errors', 'errors.csv', '--json')).stdout) as {
      schemaVersion: number;
      networks: { error?: number }[];
    };
    expect(json.schemaVersion).toBe(1);
    expect(json.networks.filter((n) => n.error === 41.5)).toHaveLength(1);
    const csv = (await run('report', 'times.jsonl', '--csv')).stdout.trim().split('\n');
    expect(csv).toHaveLength(5);
    expect(csv[0]).toBe('name,space,params,macs,activations,memory,ms,ratio,error');
  });
});

test.each([
  [['sample', '--space', 'anynet_z'], /Allowed choices are anynet_a/],
  [['sample', '--space', 'anynet_a', '--macs', '5'], /no range/],
  [['measure', 'absent.jsonl', '-o', 'x.jsonl'], /no such file/],
  [['report', 'cards.jsonl'], /line 1 is not what cnnx space measure writes/],
])('%j is refused in words', async (args, words) => {
  const { code, stderr } = await run(...args);
  expect([2, 4]).toContain(code);
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/\n +at .*\.(c?js|ts):/);
});
