import type { CatalogIndex } from './catalog-index.ts';
import type { Collector } from './collector.ts';
import type { ViewLibrary } from './view-library.ts';

/** What the analysis of one statement (or of one view's definition) works with. */
export interface Env {
  readonly catalog: CatalogIndex;
  /** Schemas in which unqualified names are looked up after pg_catalog; none in a view's definition. */
  readonly searchPath: readonly string[];
  readonly out: Collector;
  readonly views: ViewLibrary;
}
