export { type BatchReport, proveBatch } from './batch.js';
export { type CompareOptions, compareModels } from './compare.js';
export { type FirstDifference, type OutputReport, type VerifyReport, verifyReportText } from './report.js';
export type { Mixed } from './first-mixed.js';
