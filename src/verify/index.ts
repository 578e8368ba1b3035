export { type CompareOptions, compareModels } from './compare.js';
export { type FirstDifference, type OutputReport, type VerifyReport, verifyReportText } from './report.js';
