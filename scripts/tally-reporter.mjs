// A vitest reporter: what passed, failed and was skipped, by name where it matters, into the file that TALLY_FILE names.

import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './node-24.mjs';

export default class TallyReporter {
  onTestRunEnd(modules, errors) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const [failures, unsteady] = [[], []];
    const fail = (name) => {
      counts.failed++;
      failures.push(name);
    };
    for (const module of modules) {
      const file = relative(root, module.moduleId);
      if (module.errors().length > 0) fail(`${file} (outside of its tests)`);
      for (const suite of module.children.allSuites())
        if (suite.errors().length > 0) fail(`${file} > ${suite.fullName} (outside of its tests)`);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        const name = `${file} > ${test.fullName}`;
        if (state === 'passed') counts.passed++;
        else if (state === 'skipped') counts.skipped++;
        else fail(name);
        if (test.diagnostic()?.flaky) unsteady.push(name);
      }
    }
    if (errors.length > 0) fail(`${errors.length} errors outside of any test`);
    writeFileSync(process.env.TALLY_FILE, JSON.stringify({ ...counts, failures, unsteady }));
  }
}
