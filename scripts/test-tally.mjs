// What passed, failed and was skipped, over all kinds of checks.

import { existsSync, readFileSync } from 'node:fs';

/** Counts of a run, each check or test as one, and the names of what failed or passed only on its second try. */
export class TestTally {
  passed = 0;
  failed = 0;
  skipped = 0;
  failures = [];
  unsteady = [];

  add({ passed = 0, failed = 0, skipped = 0, failures = [], unsteady = [] }) {
    this.passed += passed;
    this.failed += failed;
    this.skipped += skipped;
    this.failures.push(...failures);
    this.unsteady.push(...unsteady);
  }

  fail(name) {
    this.add({ failed: 1, failures: [name] });
  }

  /** Names first, so that the end of a log says what failed; the last line is the counts alone. */
  toString() {
    return [
      ...this.unsteady.map((name) => `passed on its second try: ${name}`),
      ...this.failures.map((name) => `failed: ${name}`),
      `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`,
    ].join('\n');
  }
}

/** What `tally-reporter.mjs` wrote of a run that ended with `code`; a run that ended without its report failed. */
export function readTally(file, name, code) {
  const tally = new TestTally();
  if (existsSync(file)) tally.add(JSON.parse(readFileSync(file, 'utf8')));
  if (code !== 0 && tally.failed === 0) tally.fail(`${name} (ended with ${code})`);
  else if (!existsSync(file)) tally.fail(`${name} (no report)`);
  return tally;
}
