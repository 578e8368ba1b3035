/** Every error that cnnx raises on purpose: its code, its exit code, what it means. One row each; sorted. */
export const ERRORS = {
  'base/range': { exit: 2, doc: 'bytes were asked for beyond the end of a file or buffer' },
  'graph/attribute': { exit: 2, doc: 'an attribute is absent, of another kind, or outside what the operator allows' },
  'graph/cycle': { exit: 2, doc: 'nodes depend on each other in a circle' },
  'graph/duplicate-name': { exit: 2, doc: 'a value or node name is defined twice' },
  'graph/invalid': { exit: 2, doc: 'the checker found violations; the message lists them' },
  'graph/opset': { exit: 2, doc: "an operator's domain is not imported, or its version does not fit" },
  'graph/shape': { exit: 2, doc: 'shapes or types of values do not fit an operator' },
  'graph/syntax': { exit: 2, doc: 'the text form of a graph cannot be parsed' },
  'tensor/dtype': { exit: 2, doc: 'a tensor has another element type than the operation needs' },
  'tensor/size': { exit: 2, doc: "a tensor's data does not have the size that its shape and type ask for" },
} as const satisfies Record<string, { readonly exit: 1 | 2 | 3 | 4; readonly doc: string }>;

export type ErrorCode = keyof typeof ERRORS;
