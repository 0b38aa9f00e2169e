/** Addresses that more than one feature links to. */
export const taskLink = (name: string): string => `/tasks/${name}`;
export const workflowLink = (name: string): string => `/workflows/${name}`;
export const policyLink = (name: string): string => `/policies/${name}`;
export const machineLink = (id: string): string => `/machines/${id}`;
export const resourceLink = (name: string): string => `/resources/${name}`;
export const consoleLink = (grantId: string): string => `/console/${grantId}`;
export const grantLink = (grantId: string): string => `/requests/${grantId}`;
/** The tree that a grant stands in, at that grant. */
export const runLink = (grantId: string): string => `/runs/${grantId}`;
export const sessionLink = (sessionId: string): string => `/sessions/${sessionId}`;
export const explainLink = (decisionId: string): string => `/explain/${decisionId}`;
/** The session at that statement. */
export const operationLink = (sessionId: string, decisionId: string): string =>
  `/sessions/${sessionId}?op=${decisionId}`;
export const simulationLink = (id: string): string => `/simulations/${id}`;

interface Subject {
  readonly task: string | null;
  readonly workflow: string | null;
}
/** What a grant is of, by its name. */
export const subjectName = ({ task, workflow }: Subject): string => task ?? workflow ?? '';
export const subjectLink = ({ task, workflow }: Subject): string =>
  task === null ? workflowLink(workflow ?? '') : taskLink(task);
export const askAgainLink = ({ task, workflow }: Subject): string =>
  `/requests/new?${task === null ? `workflow=${workflow}` : `task=${task}`}`;
export const providerLink = (name: string): string => `/people/sign-in/${name}`;
