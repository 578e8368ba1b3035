export { type CompareOptions, compareModels } from './compare.js';
export { requiredInputs } from './interface.js';
export { type FirstDifference, type OutputReport, type VerifyReport, verifyReportText } from './report.js';
export { fuseChecked, type FuseChecked, type FuseCheckedOptions, type Totals } from './fuse-checked.js';
