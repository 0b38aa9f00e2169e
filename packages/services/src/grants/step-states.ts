import type { WorkflowDocument } from '@taskgate/policy';

type Step = WorkflowDocument['steps'][number];

/** The grants of a workflow's steps. */
export interface StepGrant {
  readonly id: string;
  readonly step: string | null;
  readonly state: string;
  readonly endReason: string | null;
  readonly exitCode: number | null;
  readonly requestedAt: Date;
}

export type StepState = 'blocked' | 'ready' | 'requested' | 'running' | 'completed' | 'failed';

/** The newest grant of a step: a step that failed can be tried again, and then that try counts. */
export function newestOf(task: string, grants: readonly StepGrant[]): StepGrant | null {
  const of = grants.filter((grant) => grant.step === task);
  return of.reduce<StepGrant | null>(
    (newest, grant) =>
      newest === null ||
      grant.requestedAt > newest.requestedAt ||
      (grant.requestedAt.getTime() === newest.requestedAt.getTime() && grant.id > newest.id)
        ? grant
        : newest,
    null,
  );
}

/** Why a step cannot start yet: a step that it comes after has not completed. `null`: it can. */
export function whyNotStep(step: Step, grants: readonly StepGrant[]): string | null {
  for (const before of step.after) {
    const newest = newestOf(before, grants);
    const why = `step \`${step.task}\` comes after \`${before}\`, which`;
    if (newest === null) return `${why} has not started`;
    // An older try that is alive too: what it opens would be open beside this step.
    if (grants.some((grant) => grant.step === before && grant.state !== 'ended')) return `${why} has not completed yet`;
    if (newest.endReason !== 'completed')
      return `${why} did not complete (${newest.endReason}${newest.exitCode === null ? '' : `, exit ${newest.exitCode}`})`;
  }
  return null;
}

export function stateOfStep(step: Step, grants: readonly StepGrant[]): StepState {
  const newest = newestOf(step.task, grants);
  if (newest === null) return whyNotStep(step, grants) === null ? 'ready' : 'blocked';
  if (newest.state === 'ended') return newest.endReason === 'completed' ? 'completed' : 'failed';
  return newest.state === 'active' ? 'running' : 'requested';
}
