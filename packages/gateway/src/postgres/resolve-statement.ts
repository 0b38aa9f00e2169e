import type { Decision } from '@taskgate/core';
import type { FieldDescription } from '@taskgate/protocol-postgres';
import type { DecidedStatement, Deciding } from './decision-context.ts';
import { gateDenial } from './gate-decision.ts';
import type { Portal, PreparedStatement } from './name-tables.ts';
import type { SessionState } from './session-state.ts';

/** A decided statement with what it does to the names of the session. */
export interface ResolvedStatement {
  readonly decided: DecidedStatement;
  readonly result: DecidedStatement;
  /** To be called when the target says that it is done. */
  readonly onSuccess: () => void;
}

const NOTHING = (): void => undefined;
/** Of one statement; the formats are the client's choice. */
const MAX_FORMATS = 16;

/**
 * Follows SQL's own names (prepare, execute, declare, fetch, close, deallocate, discard) through the same tables as the
 * protocol's: a name that the gate has not seen made is refused, else a decision could be talked around by name.
 */
export function resolveStatement(state: SessionState, decided: DecidedStatement): ResolvedStatement {
  const { operation, decision } = decided;
  const plain: ResolvedStatement = { decided, result: decided, onSuccess: NOTHING };
  const { effect } = operation;
  if (
    operation.statementClass === 'create' ||
    operation.statementClass === 'alter' ||
    operation.statementClass === 'drop'
  )
    return {
      ...plain,
      onSuccess: () => {
        state.catalogStale = true;
      },
    };
  if (effect === null || decision.outcome === 'deny') return plain;
  const denied = (denial: Decision): ResolvedStatement => {
    const refused = { operation, decision: denial };
    return { decided: refused, result: refused, onSuccess: NOTHING };
  };

  switch (effect.kind) {
    case 'prepare':
    case 'declare': {
      const inner: DecidedStatement = {
        operation: effect.statement,
        decision: state.context.decideOperation(effect.statement),
      };
      if (inner.decision.outcome === 'deny') return denied(inner.decision);
      if (inner.decision.outcome === 'hold' || inner.decision.obligations.affectsMax !== null)
        return denied(
          gateDenial(
            'not-understood',
            `a statement that is held or limited cannot be hidden behind ${effect.kind === 'prepare' ? 'a SQL PREPARE' : 'a cursor'}`,
            'send the statement itself',
          ),
        );
      const statement: PreparedStatement = {
        text: effect.statement.text,
        parameterTypes: [],
        decided: inner,
        contextKey: state.context.key,
        shape: null,
        viaSql: true,
      };
      if (effect.kind === 'prepare') return { ...plain, onSuccess: state.statements.stage(effect.name, statement) };
      const portal: Portal = {
        statement,
        contextKey: state.context.key,
        parameters: [],
        parameterFormats: [],
        resultFormats: [],
        cursor: true,
        shape: null,
      };
      return { ...plain, onSuccess: state.portals.stage(effect.name, portal) };
    }
    case 'execute': {
      const statement = state.statements.get(effect.name);
      if (statement === undefined && state.uncontained) return plain;
      if (statement === undefined)
        return denied(
          gateDenial(
            'not-understood',
            `there is no prepared statement \`${effect.name}\` in this session`,
            'prepare it first',
          ),
        );
      const current = currentDecision(state, statement);
      if (current.decision.outcome === 'deny') return denied(current.decision);
      if (current.decision.outcome === 'hold' || current.decision.obligations.affectsMax !== null)
        return denied(
          gateDenial(
            'not-understood',
            'a statement that is held or limited cannot be run by SQL EXECUTE',
            'send the statement itself',
          ),
        );
      return { decided, result: current, onSuccess: NOTHING };
    }
    case 'fetch': {
      const portal = state.portals.get(effect.name);
      if (portal === undefined && state.uncontained) return plain;
      if (portal === undefined)
        return denied(
          gateDenial('not-understood', `there is no cursor \`${effect.name}\` in this session`, 'declare it first'),
        );
      const current = portalDecision(state, portal);
      if (current.decision.outcome !== 'allow') return denied(current.decision);
      return { decided, result: current, onSuccess: NOTHING };
    }
    case 'deallocate': {
      const { name } = effect;
      return {
        ...plain,
        onSuccess: name === null ? () => state.statements.clear() : state.statements.stage(name, null),
      };
    }
    case 'close': {
      const { name } = effect;
      return { ...plain, onSuccess: name === null ? () => state.portals.clear() : state.portals.stage(name, null) };
    }
    case 'discard-all':
      return {
        ...plain,
        onSuccess: () => {
          state.statements.clear();
          state.portals.clear();
        },
      };
    default:
      return plain;
  }
}

/** The decision as of now. What was decided under another catalog or policy must have been renewed before it is asked for. */
export function currentDecision(state: SessionState, statement: PreparedStatement): DecidedStatement {
  if (statement.contextKey === state.context.key || state.uncontained) return statement.decided;
  // Prepared by SQL, its text stood inside another statement; what it means now cannot be told from here.
  return {
    operation: statement.decided.operation,
    decision: gateDenial(
      'not-understood',
      'the policy or the catalog has changed since this was prepared',
      'prepare or declare it again',
    ),
  };
}

/** Decides a statement of the protocol's again where policies or the catalog have changed since. */
export async function renewStatement(
  state: SessionState,
  statement: PreparedStatement,
  decideText: (text: string) => Deciding,
): Promise<void> {
  while (!statement.viaSql && statement.contextKey !== state.context.key) {
    const decided = await decideText(statement.text);
    statement.decided = decided.length === 1 ? decided[0]! : statement.decided;
    statement.contextKey = state.context.key;
  }
}

/** The statement that a SQL-level EXECUTE names. */
export function executedByName({ operation }: DecidedStatement, state: SessionState): PreparedStatement | undefined {
  return operation.effect?.kind === 'execute' ? state.statements.get(operation.effect.name) : undefined;
}

/** A portal bound under another policy or catalog is not decided anew: its plan was made when it was bound. */
export function portalDecision(state: SessionState, portal: Portal): DecidedStatement {
  if (portal.contextKey === state.context.key || state.uncontained) return currentDecision(state, portal.statement);
  return {
    operation: portal.statement.decided.operation,
    decision: gateDenial(
      'not-understood',
      'the policy or the catalog has changed since this was bound',
      'bind or declare it again',
    ),
  };
}

/** Row shape of a portal: its statement's, in the formats that Bind asked for. */
export function portalShape(portal: Portal): readonly FieldDescription[] | null {
  if (portal.shape !== null) return portal.shape;
  const { shape } = portal.statement;
  if (shape === null) return null;
  const formats = portal.resultFormats;
  if (formats.length === 0) return shape;
  return inFormats(shape, formats);
}

const formatted = new WeakMap<readonly FieldDescription[], Map<string, readonly FieldDescription[]>>();

/** The very same list for the same formats: what is planned for it is kept with it. */
function inFormats(shape: readonly FieldDescription[], formats: readonly number[]): readonly FieldDescription[] {
  let known = formatted.get(shape);
  if (known === undefined) {
    known = new Map();
    formatted.set(shape, known);
  }
  const key = formats.join('');
  let fields = known.get(key);
  if (fields === undefined) {
    fields = shape.map((field, index) => ({
      ...field,
      format: (formats.length === 1 ? formats[0] : formats[index]) === 1 ? 1 : 0,
    }));
    if (known.size < MAX_FORMATS) known.set(key, fields);
  }
  return fields;
}
