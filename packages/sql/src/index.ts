export { createSqlAnalyzer, type SqlAnalyzer, unanalysed } from './create-sql-analyzer.ts';
export { HARMLESS_FUNCTIONS, isHarmlessFunction } from './functions-allowed.ts';
export { SUPPORTED_SERVER_MAJORS } from './parser.ts';
export { HARMLESS_SETTINGS, isHarmlessSetting } from './settings.ts';
export { sqlAnalyzer } from './sql-analyzer.ts';
export { SQL_LIMITS } from './sql-limits.ts';
export { statementShape } from './statement-shape.ts';
export { summarizeOperation } from './summarize-operation.ts';
export { isAllowedSystemRelation } from './system-relations.ts';
