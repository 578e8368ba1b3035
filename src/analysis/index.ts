export { type CostOptions, type CostTotals, costs, type ModelCosts, type NodeCost, totalCosts } from './costs.js';
export { countPatterns, findPatterns, type Pattern, type PatternKind } from './patterns.js';
