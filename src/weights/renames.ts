/** State-dict keys of older or other code, and how today's are made of them. Tried only on a key that the network does not have. */
const RENAMES: readonly { readonly from: RegExp; readonly to: string }[] = [
  {
    // torchvision's densenet.py, _load_state_dict: dots are not allowed in module names since 0.4.
    from: /^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var|num_batches_tracked))$/,
    to: '$1$2',
  },
];

/** Auxiliary classifiers (GoogLeNet, Inception v3), which a network may be built without. */
const AUXILIARY = /^(?:aux[12]|AuxLogits)\./;

export const isAuxiliary = (key: string): boolean => AUXILIARY.test(key);

/** Whether a name is one that a state dict could have: beside its weights, an ONNX model has constants of its own. */
export const isWeightName = (key: string): boolean =>
  /(?:^|\.)(?:weight|bias|running_mean|running_var|num_batches_tracked|layer_scale)$/.test(key);

/** The network's name for a key of a checkpoint, if it has one. */
export function networkName(key: string, isKnown: (name: string) => boolean): string | undefined {
  if (isKnown(key)) return key;
  for (const { from, to } of RENAMES) {
    const name = key.replace(from, to);
    if (name !== key && isKnown(name)) return name;
  }
  return undefined;
}
