export { checkWeights } from './weights-check.js';
export { checkLocation, type ExternalData, type ExternalPlace } from './external.js';
export { type ReadOptions, readOnnx, tensorFromProto } from './read.js';
export { type PlacedWeights, placeWeights, type SideFile } from './side-file.js';
export { sniff } from './sniff.js';
export { externalized, internalized, OnnxTensor } from './tensor.js';
export { tensorToProto, type WriteOptions, writeOnnx } from './write.js';
