import { TaskgateError } from '@taskgate/core';
import {
  type ParseResult,
  type PolicyDocument,
  parsePolicy,
  parseTask,
  parseWorkflow,
  type TaskDocument,
  type WorkflowDocument,
} from '@taskgate/policy';

/** Sources are at most 256 KB and most are of a few KB: at the worst some MB. */
const MAX_CACHED = 256;

/** Revisions never change, so what a source parses to is kept by the source itself. */
function cached<T>(parse: (source: string) => ParseResult<T>, what: string): (source: string) => T {
  const documents = new Map<string, T>();
  return (source) => {
    const known = documents.get(source);
    if (known !== undefined) return known;
    const result = parse(source);
    // A revision was checked when it was saved: only a newer, stricter grammar can get here.
    if (!result.ok)
      throw new TaskgateError('invalid-state', `the ${what} in force is no longer understood: save a new revision`, {
        problems: result.problems,
      });
    if (documents.size >= MAX_CACHED) documents.delete(documents.keys().next().value!);
    documents.set(source, result.document);
    return result.document;
  };
}

/** The document of a saved task revision. */
export const readTaskDocument: (source: string) => TaskDocument = cached(parseTask, 'task');

/** The document of a saved policy revision. */
export const readPolicyDocument: (source: string) => PolicyDocument = cached(parsePolicy, 'policy');

/** The document of a saved workflow revision. */
export const readWorkflowDocument: (source: string) => WorkflowDocument = cached(parseWorkflow, 'workflow');
