import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Activatable, type Activator, mayActivate } from './may-activate.ts';

const NOON = { epochMs: Date.parse('2026-11-23T12:00:00Z') };
const anna: Activator = {
  ...{ kind: 'person', name: 'Anna', email: 'anna@x.test', groups: ['analysts'], tasks: [], actsFor: null },
};
const nightly: Activator = {
  ...{ kind: 'machine', name: 'nightly', email: 'nightly', groups: [], tasks: ['export'], actsFor: null },
};
const bot = (actsFor: Activator | null, tasks: readonly string[] = ['export']): Activator => ({
  ...{ kind: 'agent', name: 'deploy-bot', email: 'deploy-bot', groups: [], tasks, actsFor },
});
const task = (who: Partial<Activatable['who']>, when: string | null = null): Activatable => ({
  name: 'export',
  who: { groups: [], machines: [], agents: [], ...who },
  access: { when },
});
const may = (document: Activatable, identity: Activator): boolean => mayActivate(document, identity, NOON).ok;

describe('a machine may activate a task', () => {
  it('only where the task names it and its own list names the task', () => {
    expect(may(task({ machines: ['nightly'] }), nightly)).toBe(true);
    expect(may(task({ machines: ['other'] }), nightly)).toBe(false);
    expect(may(task({ machines: ['nightly'] }), { ...nightly, tasks: [] })).toBe(false);
    expect(may(task({ machines: ['nightly'] }), { ...nightly, tasks: ['other'] })).toBe(false);
    expect(may(task({}), nightly)).toBe(false);
  });

  it('never by a group or an agent of the same name', () => {
    expect(may(task({ groups: ['nightly'], agents: ['nightly'] }), { ...nightly, groups: ['nightly'] })).toBe(false);
  });
});

describe('an agent may activate a task', () => {
  it('only where it is named and whom it acts for may too', () => {
    const both = task({ agents: ['deploy-bot'], groups: ['analysts'] });
    expect(may(both, bot(anna))).toBe(true);
    expect(mayActivate(both, bot({ ...anna, groups: ['support'] }), NOON)).toEqual({
      ok: false,
      reason: 'agent `deploy-bot` acts for `anna@x.test`, and task `export` is for members of `analysts`',
    });
    expect(may(task({ agents: ['deploy-bot'] }), bot(anna))).toBe(false);
    expect(may(task({ groups: ['analysts'] }), bot(anna))).toBe(false);
    expect(may(both, bot(anna, []))).toBe(false);
    expect(may(task({ agents: ['deploy-bot'], machines: ['nightly'] }), bot(nightly))).toBe(true);
  });

  it('never for nobody, nor for another agent', () => {
    const all = task({ agents: ['deploy-bot'], groups: ['analysts'], machines: ['nightly'] });
    expect(may(all, bot(null))).toBe(false);
    expect(may(all, bot(bot(anna)))).toBe(false);
  });

  it('by conditions that are asked of both', () => {
    const who = { agents: ['deploy-bot'], groups: ['analysts'] };
    expect(may(task(who, 'identity.kind == "agent"'), bot(anna))).toBe(false);
    expect(may(task(who, 'identity.kind == "person" || identity.name == "deploy-bot"'), bot(anna))).toBe(true);
    expect(may(task(who, 'identity.kind == "agent" || identity.email == "anna@x.test"'), bot(anna))).toBe(true);
    expect(may(task(who, 'identity.kind == "agent" || identity.email == "ben@x.test"'), bot(anna))).toBe(false);
  });

  it('of nothing that whom it acts for may not, whatever the documents say', () => {
    const name = fc.constantFrom('nightly', 'deploy-bot', 'analysts', 'support', 'export');
    const names = fc.uniqueArray(name, { maxLength: 3 });
    const whom = fc.record({
      ...{ kind: fc.constantFrom('person' as const, 'machine' as const), name, email: name },
      ...{ groups: names, tasks: names, actsFor: fc.constant(null) },
    });
    const document = fc.record({
      name: fc.constant('export'),
      who: fc.record({ groups: names, machines: names, agents: names }),
      access: fc.record({ when: fc.constantFrom(null, 'identity.kind != "person"', 'identity.name == "nightly"') }),
    });
    fc.assert(
      fc.property(document, whom, names, (asked, actsFor, tasks) => {
        if (may(asked, bot(actsFor, tasks))) expect(may(asked, actsFor)).toBe(true);
      }),
    );
  });
});
