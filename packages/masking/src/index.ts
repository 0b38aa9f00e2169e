export { type CopyColumn, type CopyRowMasker, type CopySink, createCopyRowMasker } from './copy-row-masker.ts';
export { createDetector, type Detect, type DetectorRule, type Finding } from './detect.ts';
export { maskValue } from './mask-value.ts';
export { type ColumnType, isTextType } from './postgres-type.ts';
export { createRowMasker, type MaskedColumn, type RowMasker } from './row-masker.ts';
export type { MaskingPorts } from './text-mask.ts';
