export { bindWeights, type BindOptions, type BindReport } from './bind.js';
export { chooseCheckpoint, impliedOptions, type ImpliedOptions, publishedCheckpoint } from './checkpoints.js';
export { deployedStateDict, type StateDictForm } from './deploy.js';
export { replaceInitializers, type ReplaceReport } from './replace.js';
export type { Mismatch } from './mismatch.js';
