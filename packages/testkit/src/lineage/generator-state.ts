import type { SampleColumn, SampleType } from './sample-schema.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Something in FROM that expressions can name. */
export interface Named {
  /** Empty: its columns are named without it. */
  readonly alias: string;
  readonly columns: readonly SampleColumn[];
  /** Its whole row can be named. */
  readonly row: boolean;
}

export type Scope = readonly Named[];

export interface GeneratorOptions {
  readonly serverMajor: number;
  /** Uses `$1` (text) and `$2` (int) where a constant could stand. */
  readonly parameters: boolean;
  /** Casts and divisions that fail on some rows. */
  readonly errors: boolean;
  /** How often, once in so many, a column that holds canaries is picked where others are there too; 1: as any other. */
  readonly maskedOneIn: number;
}

/** What the parts of the generator share. */
export interface GeneratorState {
  readonly random: SeededRandom;
  readonly options: GeneratorOptions;
  fresh(prefix: string): string;
  /** Common table expressions that can be named where the generator is now. */
  readonly ctes: Named[];
}

export const COMMON_TYPES: readonly SampleType[] = ['text', 'text', 'text', 'int', 'int', 'jsonb', 'texts', 'date'];

export function plainColumn(name: string, type: SampleType): SampleColumn {
  return { name, type, masked: false };
}
