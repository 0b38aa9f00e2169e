import type { OutputColumn, SessionEffect, SqlOperation, StatementClass } from '@taskgate/core';
import type { Env } from '../env.ts';
import type { PgNode } from '../node.ts';

/** What a statement is, besides what the collector gathered. */
export interface StatementMeaning {
  readonly statementClass: StatementClass;
  readonly label: string;
  readonly output: readonly OutputColumn[] | null;
  readonly effect: SessionEffect | null;
  readonly copy: SqlOperation['copy'];
  readonly countsItsWrite: boolean;
  readonly plainWrite: SqlOperation['plainWrite'] | null;
  readonly hidesWrites: boolean;
  readonly parameterCount: number;
}

/** What the analysis of a statement needs beyond what the analysis of a query does. */
export interface StatementEnv extends Env {
  /** An operation of its own, for the statement inside PREPARE and DECLARE. */
  readonly analyzeInner: (statement: PgNode) => SqlOperation;
}

export function meaning(
  statementClass: StatementClass,
  label: string,
  rest: Partial<Omit<StatementMeaning, 'statementClass' | 'label'>> = {},
): StatementMeaning {
  return {
    statementClass,
    label,
    output: null,
    effect: null,
    copy: null,
    countsItsWrite: false,
    plainWrite: null,
    hidesWrites: false,
    parameterCount: 0,
    ...rest,
  };
}
