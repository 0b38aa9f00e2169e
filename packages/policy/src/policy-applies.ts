import type { PolicyDocument } from './policy-document.ts';

export interface ResourceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** By name, or by having every label that the policy asks for. A policy that names nothing applies to nothing. */
export function policyApplies(policy: PolicyDocument, resource: ResourceFacts): boolean {
  const { all, names, labels } = policy.applies;
  const wanted = Object.entries(labels);
  return (
    all ||
    names.includes(resource.name) ||
    (wanted.length > 0 &&
      wanted.every(([key, value]) => Object.hasOwn(resource.labels, key) && resource.labels[key] === value))
  );
}
