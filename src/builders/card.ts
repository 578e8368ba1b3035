import * as v from 'valibot';
import { CnnxError } from '../base/errors.js';
import { didYouMean, printable } from '../base/text.js';
import type { Family } from './family.js';
import { count } from './family.js';
import { type InitRules, initSchema } from './distributions.js';

const perChannel = v.pipe(v.array(v.number()), v.minLength(1));

const preprocessSchema = v.strictObject({
  /** The shorter side in pixels, or [height, width], which does not keep the aspect. */
  resize: v.union([count, v.tuple([count, count])]),
  /** The side of the square cut from the middle. */
  crop: v.optional(count),
  interpolation: v.optional(v.picklist(['nearest', 'bilinear', 'bicubic']), 'bilinear'),
  /** Of channels scaled to 0..1. */
  mean: perChannel,
  std: perChannel,
});

/** How an image becomes an input: resize, crop the middle, scale to 0..1, subtract `mean`, divide by `std`. */
export type Preprocess = v.InferOutput<typeof preprocessSchema>;

const checkpointSchema = v.strictObject({
  /** Its name in torchvision's list of weights. */
  name: v.string(),
  file: v.string(),
  /** The first hexadecimal digits of the file's SHA-256. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{8,64}$/)),
  preprocess: v.optional(preprocessSchema),
  /** Options that these weights were trained with. */
  implies: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
});

/** A file of trained weights. */
export type Checkpoint = v.InferOutput<typeof checkpointSchema>;

/** What a variant's row says beside its configuration. */
const rowEntries = {
  /** Trainable parameters as published, auxiliary heads included. */
  params: v.optional(count),
  paramsWithoutAux: v.optional(count),
  /** Multiply-accumulates of convolutions and linear layers for one image, auxiliary heads excluded. */
  macs: v.optional(count),
  /** Elements of all convolutions' outputs for one image, auxiliary heads excluded: the RegNet paper's measure. */
  activations: v.optional(count),
  /** The same as published, in millions. */
  activationsM: v.optional(v.number()),
  preprocess: v.optional(preprocessSchema),
  init: v.optional(initSchema),
  checkpoints: v.optional(v.array(checkpointSchema)),
  note: v.optional(v.string()),
};

/** The fields of a row that describe rather than configure. */
const DESCRIPTIVE = new Set(Object.keys(rowEntries));

const cardEntries = {
  family: v.string(),
  title: v.optional(v.string()),
  paper: v.optional(v.string()),
  /** Whose names the state dict has. */
  stateDict: v.optional(v.string()),
  preprocess: v.optional(preprocessSchema),
  init: v.optional(initSchema, {}),
};

/** One row of a card: an architecture that can be built. */
export interface Variant {
  readonly name: string;
  readonly card: Card;
  /** Complete: defaults are filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly params?: number | undefined;
  readonly paramsWithoutAux?: number | undefined;
  readonly macs?: number | undefined;
  readonly activations?: number | undefined;
  readonly activationsM?: number | undefined;
  readonly preprocess?: Preprocess | undefined;
  readonly init: InitRules;
  readonly checkpoints: readonly Checkpoint[];
  readonly note?: string | undefined;
}

/** A family's variants, as data. */
export interface Card {
  readonly family: Family;
  readonly title?: string | undefined;
  readonly paper?: string | undefined;
  readonly stateDict?: string | undefined;
  readonly variants: ReadonlyMap<string, Variant>;
  /** The JSON that it was read from. */
  readonly source: Readonly<Record<string, unknown>>;
}

/** A card from JSON, checked. Throws `card/invalid` with every fault at once: the field, what was found, what is allowed. */
export function parseCard(json: unknown, families: ReadonlyMap<string, Family>): Card {
  const head = check(v.looseObject({ family: v.string() }), json);
  const family = families.get(head.family);
  if (!family)
    throw new CnnxError(
      'card/invalid',
      `field family: found "${printable(head.family)}"; families are ${[...families.keys()].join(', ')}`,
      {
        at: { field: 'family' },
        hint: didYouMean(head.family, families.keys()),
      },
    );
  const rowSchema = v.strictObject({ ...family.entries, ...rowEntries });
  const schema = v.strictObject({ ...cardEntries, variants: v.record(v.string(), rowSchema) });
  const card = check(schema, json, [...Object.keys(cardEntries), 'variants', ...Object.keys(rowSchema.entries)]);
  const variants = new Map<string, Variant>();
  const parsed: Card = { ...card, family, variants, source: head };
  for (const [name, row] of Object.entries(card.variants)) {
    const entries = Object.entries(row);
    const config = Object.fromEntries(entries.filter(([key]) => !DESCRIPTIVE.has(key)));
    variants.set(name, {
      name,
      card: parsed,
      config,
      params: row.params,
      paramsWithoutAux: row.paramsWithoutAux,
      macs: row.macs,
      activations: row.activations,
      activationsM: row.activationsM,
      preprocess: row.preprocess ?? card.preprocess,
      init: row.init ?? card.init,
      checkpoints: row.checkpoints ?? [],
      note: row.note,
    });
  }
  return parsed;
}

/** The variant of a card that is meant: the one named, or the only one. Throws `card/invalid`. */
export function variantOf(card: Card, name?: string): Variant {
  const names = [...card.variants.keys()];
  const wanted = name ?? (names.length === 1 ? names[0] : undefined);
  const found = wanted === undefined ? undefined : card.variants.get(wanted);
  if (found) return found;
  const listed = names.map((n) => printable(n)).join(', ');
  throw new CnnxError(
    'card/invalid',
    name === undefined
      ? `the card has ${names.length} variants: ${listed}`
      : `the card has no variant ${printable(name)}; it has ${listed}`,
    { at: { field: 'variants' }, hint: 'say which one with --variant NAME' },
  );
}

/** A variant's configuration with some options changed. Throws `builder/option` for what the family does not have or allow. */
export function configure(
  variant: Variant,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { entries, name } = variant.card.family;
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(entries, key)) continue;
    throw new CnnxError(
      'builder/option',
      `${variant.name} (family ${name}) has no option ${printable(key)}; it has ${Object.keys(entries).join(', ')}`,
      {
        at: { field: key },
        hint: didYouMean(key, Object.keys(entries)),
      },
    );
  }
  const parsed = v.safeParse(v.strictObject(entries), { ...variant.config, ...options });
  if (parsed.success) return parsed.output;
  throw new CnnxError('builder/option', `${variant.name}: ${parsed.issues.map(issueText).join('; ')}`);
}

/** A card with one variant, to start one's own from: its configuration complete, what was published of the original left out. */
export function starterCard(variant: Variant): Readonly<Record<string, unknown>> {
  const { card } = variant;
  const { variants: _variants, ...head } = card.source;
  const row = Object.fromEntries(Object.entries(variant.config).filter(([, value]) => value !== undefined));
  const own = { ...(variant.preprocess && { preprocess: variant.preprocess }), init: variant.init };
  return { ...head, ...own, variants: { [`my_${variant.name}`]: row } };
}

function check<S extends v.GenericSchema>(schema: S, json: unknown, fields: readonly string[] = []): v.InferOutput<S> {
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const [first] = parsed.issues;
  throw new CnnxError('card/invalid', parsed.issues.map(issueText).join('; '), {
    at: { field: v.getDotPath(first) ?? undefined },
    hint:
      parsed.issues.map((issue) => misspelt(issue, fields)).find((h) => h !== undefined) ??
      'cnnx list --card NAME prints a card to start from',
  });
}

const isUnknownField = (issue: v.BaseIssue<unknown>): boolean =>
  issue.type === 'strict_object' && issue.expected === 'never';

function misspelt(issue: v.BaseIssue<unknown>, fields: readonly string[]): string | undefined {
  const key = issue.path?.at(-1)?.key;
  return isUnknownField(issue) && typeof key === 'string' ? didYouMean(key, fields) : undefined;
}

/** `field variants.x.layers: found "abc"; allowed is Array`. */
function issueText(issue: v.BaseIssue<unknown>): string {
  const field = printable(v.getDotPath(issue) ?? 'the card');
  if (isUnknownField(issue)) return `field ${field}: there is no such field`;
  if (issue.input === undefined) return `field ${field} is absent`;
  const found = printable(JSON.stringify(issue.input) ?? typeof issue.input);
  return `field ${field}: found ${found}; allowed is ${issue.expected ?? issue.message}`;
}
