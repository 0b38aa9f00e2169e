import type * as contracts from '@taskgate/contracts';
import type * as z from 'zod';

/** The API's answers, as the screens see them. */
export type GrantView = z.infer<typeof contracts.Grant>;
export type ActivationView = z.infer<typeof contracts.Activation>;
export type ConnectView = z.infer<typeof contracts.ConnectStrings>;
export type TaskSummaryView = z.infer<typeof contracts.TaskSummary>;
export type TaskView = z.infer<typeof contracts.Task>;
export type PolicySummaryView = z.infer<typeof contracts.PolicySummary>;
export type PolicyView = z.infer<typeof contracts.Policy>;
export type RevisionView = z.infer<typeof contracts.Revision>;
export type DescriptionView = z.infer<typeof contracts.DescriptionSection>;
export type ProblemItemView = z.infer<typeof contracts.ProblemItem>;
export type ResourceView = z.infer<typeof contracts.Resource>;
export type ResourceTestView = z.infer<typeof contracts.ResourceTestResult>;
export type CatalogView = z.infer<typeof contracts.CatalogSummary>;
export type UserView = z.infer<typeof contracts.User>;
export type GroupView = z.infer<typeof contracts.Group>;
export type WebSessionView = z.infer<typeof contracts.WebSession>;
export type ApiTokenView = z.infer<typeof contracts.ApiToken>;
export type AuditRowView = z.infer<typeof contracts.AuditRow>;
export type SessionView = z.infer<typeof contracts.Session>;
export type TimelineOperationView = z.infer<typeof contracts.TimelineOperation>;
export type ExplanationView = z.infer<typeof contracts.Explanation>;
export type HoldView = z.infer<typeof contracts.Hold>;
export type InboxItemView = z.infer<typeof contracts.InboxItem>;
