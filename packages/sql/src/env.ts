import type { CatalogIndex } from './catalog-index.ts';
import type { Collector } from './collector.ts';
import type { Fields } from './node.ts';
import type { ViewLibrary } from './view-library.ts';

/** What the analysis of one statement (or of one view's definition) works with. */
export interface Env {
  readonly catalog: CatalogIndex;
  /** Schemas in which unqualified names are looked up after pg_catalog; none in a view's definition. */
  readonly searchPath: readonly string[];
  readonly out: Collector;
  readonly views: ViewLibrary;
  readonly budget: StepBudget;
  /** What the server calls a scalar subquery's column, by its node: known once it is analysed. */
  readonly subLinkNames: WeakMap<Fields, string>;
}

/** What is left of `SQL_LIMITS.steps`, shared by everything that one statement makes the analysis look at. */
export interface StepBudget {
  left: number;
}

/** @throws RangeError when the statement has used up its steps; the analyzer turns that into `too-large`. */
export function spendStep(budget: StepBudget, steps = 1): void {
  budget.left -= steps;
  if (budget.left < 0) throw new RangeError('too many steps');
}
