export { type CostOptions, costs, type ModelCosts, type NodeCost } from './costs.js';
