export { buildArchitecture, type BuildOptions, type Built, type Init, setWeights, summaryOf } from './build.js';
export { type Card, type Checkpoint, type Preprocess, starterCard, type Variant, variantOf } from './card.js';
export { cards, findVariant, parseOwnCard, variants } from './cards.js';
export { goldenVarScale } from './golden.js';
export type { Distribution } from './distributions.js';
export { isTrainable, type Param, type ParamKind } from './params.js';
