import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { oneArgument } from '../one-argument.ts';
import { printable } from '../printable.ts';

export const explain: Command = {
  usage: `usage: taskgate explain DECISION [--json]

Says why a statement was allowed, denied or held: DECISION is the id (dec_...) or the address in the error's hint.`,
  run: async ({ env, print }, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const given = oneArgument(positionals, 'the decision', 'explain');
    const decisionId = /(dec_[0-9a-z]+)\/?$/.exec(given)?.[1] ?? given;
    const { url, api } = requireSignIn(env);
    const one = await api.sessions.explain({ decisionId });
    if (values.json) {
      print(JSON.stringify(one));
      return undefined;
    }
    const lines = [
      `${one.outcome.toUpperCase()}  ${one.statementClass} by ${one.person.email} under ${one.task} revision ${one.taskRevision} on ${one.resource}, ${one.at}`,
    ];
    for (const { message, rule, wouldAllow } of one.reasons) {
      const at = [`revision ${rule.revision}`, rule.rule && `rule ${rule.rule}`, rule.line && `line ${rule.line}`];
      lines.push(
        `because ${message}`,
        rule.kind === 'gate'
          ? '  by the gate itself'
          : `  by ${rule.kind} ${rule.name}, ${at.filter(Boolean).join(', ')}`,
      );
      if (wouldAllow !== null) lines.push(`  what would be allowed: ${wouldAllow}`);
    }
    for (const { name, revision, line, text } of one.excerpts)
      lines.push(`${name} revision ${revision}:${line}`, ...text.split('\n').map((row) => `    ${row}`));
    if (one.newerTaskRevision !== null) lines.push(`revision ${one.newerTaskRevision} of ${one.task} is in force now`);
    if (one.statement !== null) lines.push('statement:', ...one.statement.split('\n').map((row) => `    ${row}`));
    if (one.masks.length > 0)
      lines.push(`masked: ${one.masks.map(({ column, mask }) => `${column} as ${mask}`).join(', ')}`);
    if (one.hold !== null) lines.push(`hold: ${one.hold.state}`);
    if (one.ending !== null)
      lines.push(
        `ended: ${[one.ending.result, one.ending.tag, one.ending.sqlstate, one.ending.message].filter(Boolean).join(', ')}`,
      );
    if (one.approvers !== null)
      lines.push(
        `may agree: ${one.approvers.count} of ${one.approvers.groups.join(' or ')} (${one.approvers.people.map(({ email }) => email).join(', ') || 'nobody now'})`,
      );
    const sendAgain = one.outcome === 'hold' && one.grantState === 'active' && one.newerTaskRevision === null;
    if (sendAgain && one.hold?.state !== 'waiting')
      lines.push('the grant is still open: send it again, and it is asked for anew');
    else if (one.sameTaskAgain && !sendAgain) lines.push(`ask again: taskgate grant ${one.task}`);
    for (const { task, outcome } of one.otherTasks)
      lines.push(`${outcome === 'hold' ? 'would be held' : 'would be allowed'}: taskgate grant ${task}`);
    lines.push(`${url}/explain/${one.decisionId}`);
    for (const line of lines) print(printable(line));
    return undefined;
  },
};
