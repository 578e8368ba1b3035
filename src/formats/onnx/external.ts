import { ByteRange, type ByteSource } from '../../base/bytes.js';
import { CnnxError } from '../../base/errors.js';
import { printable } from '../../base/text.js';
import { type Message, message } from './message.js';
import { DATA_LOCATION_EXTERNAL } from './schema.js';

/**
 * Where a model's external data is found. Whoever implements it decides which folder that is, and keeps inside of it.
 */
export interface ExternalData {
  /**
   * The file at a location that `externalPlace` let through: relative, without `..`. Throws when it is absent or not to
   * be opened.
   */
  resolve(location: string): ByteSource;
}

/** What a tensor says of the file that its data stands in. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  /** To the end of the file, if absent. */
  readonly length: number | undefined;
}

const refusal = (message: string, hint?: string): CnnxError => new CnnxError('onnx/external-data', message, { hint });

export const isExternal = (m: Message<'TensorProto'>): boolean => m.fields.data_location === DATA_LOCATION_EXTERNAL;

/**
 * The place of a tensor's external data. Throws `onnx/external-data` for places outside the model's folder and for
 * malformed ones.
 */
export function externalPlace(m: Message<'TensorProto'>): ExternalPlace {
  const props = new Map((m.fields.external_data ?? []).map(({ fields }) => [fields.key ?? '', fields.value ?? '']));
  const location = props.get('location');
  if (location === undefined || location === '') throw refusal('external data has no location');
  checkLocation(location);
  return { location, offset: integer(props, 'offset') ?? 0, length: integer(props, 'length') };
}

/** Throws `onnx/external-data` for a location that is not a relative path downwards, on any operating system. */
export function checkLocation(location: string): void {
  const shown = `'${printable(location)}'`;
  if (location.includes('\0')) throw refusal(`the external data location ${shown} has a NUL in it`);
  if (/^[/\\]/.test(location) || /^[a-zA-Z]:/.test(location))
    throw refusal(
      `the external data location ${shown} is an absolute path`,
      'external data has to stand in the folder of the model',
    );
  if (location.split(/[/\\]/).includes('..'))
    throw refusal(
      `the external data location ${shown} leads out of the model's folder`,
      'external data has to stand in the folder of the model',
    );
}

function integer(props: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = props.get(key);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw refusal(`the ${key} of external data is '${printable(text)}'; a number of bytes was expected`);
  return value;
}

/**
 * The `size` bytes that a tensor takes, in the file that it names. Throws `onnx/external-data` when they are not there.
 */
export function openExternal(place: ExternalPlace, size: number, data: ExternalData | undefined): ByteRange {
  const shown = `'${printable(place.location)}'`;
  if (!data) throw refusal(`the data stands in the file ${shown}, and the model was read without its folder`);
  const source = data.resolve(place.location);
  if (place.offset + size > source.size) {
    throw refusal(
      `${size} bytes from ${place.offset} on were expected in ${shown}, which has ${source.size}`,
      'the file is incomplete, or belongs to another model',
    );
  }
  return new ByteRange(source, place.offset, size);
}

/** The fields of a tensor that say where its data stands. */
export const externalFields = (location: string, offset: number, length: number) => ({
  data_location: DATA_LOCATION_EXTERNAL,
  external_data: [
    ['location', location],
    ['offset', String(offset)],
    ['length', String(length)],
  ].map(([key, value]) => message('StringStringEntryProto', { key, value })),
});
