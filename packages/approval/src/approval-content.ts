import { canonicalJson, type Json } from './canonical-json.ts';

/** What is signed now. */
export const APPROVAL_FORMAT = 'taskgate-approval-2';
/** What was signed before: it names neither where the resource stands, nor its labels, nor limits. */
export const FIRST_APPROVAL_FORMAT = 'taskgate-approval-1';

/** One held statement, as the gate bound it: `binding` is over the exact bytes, the catalog and the revisions in force. */
export interface ApprovedHold {
  readonly kind: 'hold';
  readonly holdId: string;
  readonly grantId: string;
  readonly sessionId: string;
  readonly decisionId: string;
  /** SHA-256, hex. */
  readonly binding: string;
  readonly statement: string;
  readonly parameters: readonly (string | null)[];
  readonly affectsMax: number | null;
}

/** One activation of a task. */
export interface ApprovedGrant {
  readonly kind: 'grant';
  readonly grantId: string;
  /** For how long, at most. */
  readonly ttlMs: number;
  readonly reason: string | null;
  readonly ticket: string | null;
}

/** Exactly what a reviewer signs. Instants are ISO 8601 in UTC. */
export interface ApprovalContent {
  readonly format: typeof APPROVAL_FORMAT;
  readonly subject: ApprovedHold | ApprovedGrant;
  /** `documentSha256`: of the document's text, hex. */
  readonly task: { readonly name: string; readonly revision: number; readonly documentSha256: string };
  /** `labels` decide which policies hold there. */
  readonly resource: {
    readonly id: string;
    readonly name: string;
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  /** What the grants above leave to this one; `null`: none is above, or they limit nothing. */
  readonly limits: Readonly<Record<string, number | null>> | null;
  readonly requester: { readonly id: string; readonly kind: string; readonly email: string };
  readonly reviewer: { readonly id: string; readonly email: string };
  readonly terms: { readonly from: readonly string[]; readonly count: number; readonly stepUp: boolean };
  readonly comment: string | null;
  /** In which it had to be decided. */
  readonly window: { readonly notBefore: string; readonly notAfter: string };
  readonly nonce: string;
  /** Where the passkey was asked for. */
  readonly site: { readonly origin: string; readonly rpId: string };
}

/** As {@link FIRST_APPROVAL_FORMAT} has it. */
export interface FirstApprovalContent extends Omit<ApprovalContent, 'format' | 'resource' | 'limits'> {
  readonly format: typeof FIRST_APPROVAL_FORMAT;
  readonly resource: Pick<ApprovalContent['resource'], 'id' | 'name' | 'database'>;
}
export type AnyApprovalContent = ApprovalContent | FirstApprovalContent;

/** The text whose SHA-256 is the challenge that the passkey signs. */
export const signedText = (content: AnyApprovalContent): string => canonicalJson(content as unknown as Json);
