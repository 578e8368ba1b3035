import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

const FOLDER = new URL('../../docs/schemas/', import.meta.url);

let ajv: Ajv2020 | undefined;

function schemas(): Ajv2020 {
  if (ajv) return ajv;
  ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  for (const file of readdirSync(FOLDER))
    ajv.addSchema(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as object, file);
  return ajv;
}

/** What a text is not that a command prints under `--json`, by its schema in docs/schemas; empty if nothing. */
export function reportFaults(command: string, stdout: string): readonly string[] {
  const ajv = schemas();
  if (ajv.validate(`${command}.json`, JSON.parse(stdout))) return [];
  return (ajv.errors ?? []).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);
}
