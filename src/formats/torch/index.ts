export { readTorchArchive } from './archive.js';
export { readTorchLegacy } from './legacy.js';
