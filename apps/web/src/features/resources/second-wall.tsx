import { Badge, type Tone } from '@/components/badge.tsx';
import { CopyField } from '@/components/copy-field.tsx';
import { Panel } from '@/components/page.tsx';
import { Ticked } from '@/components/ticked.tsx';
import { Time } from '@/components/time.tsx';
import type { ResourceView } from '@/lib/views.ts';

type WallTwo = NonNullable<ResourceView['wallTwo']>;

const STATES: Record<WallTwo['state'], { tone: Tone; words: string }> = {
  whole: {
    tone: 'allow',
    words: 'Each grant gets a role of its own at the target, with the rights of its task and no others.',
  },
  partial: {
    tone: 'hold',
    words: 'Each grant gets a role of its own at the target. It is not whole yet, for what is named here.',
  },
  missing: {
    tone: 'deny',
    words: 'Every task uses the credential: what the gate lets through by mistake, the target allows.',
  },
};

/** What the target itself holds a grant to, and how to get more of it. */
export function SecondWall({ resource }: { resource: ResourceView }) {
  const { wallTwo, principals } = resource;
  if (principals === 'none')
    return (
      <Panel title="Second wall">
        <p>
          <Badge tone="deny">missing</Badge> Roles for grants are turned off: every task uses the credential.
        </p>
      </Panel>
    );
  if (wallTwo === null)
    return (
      <Panel title="Second wall">
        <p className="text-muted">Not looked at yet. Reading the catalog does it.</p>
      </Panel>
    );
  const { tone, words } = STATES[wallTwo.state];
  return (
    <Panel title="Second wall">
      <p>
        <Badge tone={tone}>{wallTwo.state}</Badge> {words}
        {principals === 'per-grant' && wallTwo.state === 'missing' && ' It is asked for, so nobody gets in.'}{' '}
        <span className="text-muted text-sm">
          Looked at <Time at={wallTwo.checkedAt} />.
        </span>
      </p>
      <Findings title="The credential lacks" findings={wallTwo.lacking} />
      <Findings title="Open to everybody" findings={wallTwo.open} />
    </Panel>
  );
}

function Findings({ title, findings }: { title: string; findings: WallTwo['lacking'] }) {
  if (findings.length === 0) return null;
  const script = findings.flatMap((one) => one.script ?? []).join('\n');
  return (
    <section className="mt-4 flex flex-col gap-2">
      <h3 className="font-medium">{title}</h3>
      <ul className="list-disc pl-5">
        {findings.map((one) => (
          <li key={one.what}>
            <Ticked text={one.what} />
          </li>
        ))}
      </ul>
      {script !== '' && <CopyField label="SQL that changes it" value={script} />}
    </section>
  );
}
