import { parseArgs } from 'node:util';
import { requireSignIn } from '../api-client.ts';
import type { Command } from '../command.ts';
import { Failure, problemOf, UsageError } from '../failure.ts';
import { noArgument } from '../one-argument.ts';
import { printable, textTable } from '../printable.ts';
import { readSource } from '../read-source.ts';

const ASK_EVERY_MS = 300;

export const simulate: Command = {
  usage: `usage: taskgate simulate -f FILE [--days N] [--json] [--fail-on-change]

Says what a file of Tasks and Policies (parted by ---) would have decided otherwise of what was recorded in the last 30
days. Nothing is saved. With --fail-on-change the exit code is 3 where anything changes: for a check of a review.`,
  run: async ({ env, print, note }, args) => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        file: { type: 'string', short: 'f' },
        days: { type: 'string' },
        json: { type: 'boolean' },
        'fail-on-change': { type: 'boolean' },
      },
    });
    noArgument(positionals, 'simulate');
    if (!values.file) throw new UsageError('name the file: `taskgate simulate -f FILE`');
    const days = values.days === undefined ? 30 : Number(values.days);
    if (!Number.isInteger(days) || days < 1 || days > 365) throw new UsageError('--days is a number from 1 to 365');
    const source = readSource(values.file);
    const { url, api } = requireSignIn(env);
    let run = await api.simulations.start({ source, days }).catch((error: unknown) => {
      const problems = problemOf(error)?.problems.filter(({ position }) => position !== null) ?? [];
      if (problems.length === 0) throw error;
      throw new Failure(
        `${values.file} cannot be simulated`,
        problems.map(({ position, message }) => `${values.file}:${position!.line}:${position!.column} ${message}`),
      );
    });
    while (run.state === 'running') {
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
      run = await api.simulations.get({ id: run.id });
      if (run.progress !== null && run.progress.total > 1000)
        note(`${run.progress.done} of ${run.progress.total} statements`);
    }
    const { result } = run;
    if (result === null) throw new Failure(`the simulation was ${run.state}; try again`);
    const changed = Object.values(result.changes).reduce((sum, count) => sum + count, 0);
    if (values.json) print(JSON.stringify(run));
    else {
      print(
        `${result.simulated} of ${result.operations} operations since ${result.from}: ${changed} change, ${result.unchanged} do not`,
      );
      for (const { why, count } of result.notSimulated) print(`not simulated: ${count} (${why})`);
      if (result.groups.length > 0)
        print(
          textTable(
            ['CHANGE', 'COUNT', 'PERSON', 'TASK', 'WHAT', 'BECAUSE'],
            result.groups.map((group) => [
              group.change,
              String(group.count),
              group.person.email,
              group.task,
              printable(group.what),
              printable(
                group.masks.length > 0
                  ? group.masks
                      .map(({ of, before, after }) => `${of}: ${before ?? 'clear'} to ${after ?? 'clear'}`)
                      .join(', ')
                  : group.after.reason.message,
              ),
            ]),
          ),
        );
      print(`${url}/simulations/${run.id}`);
    }
    return values['fail-on-change'] && changed > 0 ? 3 : undefined;
  },
};
