export { type CostOptions, costs, type ModelCosts, type NodeCost } from './costs.js';
export { countPatterns, findPatterns, type Pattern, type PatternKind } from '../ops/patterns.js';
