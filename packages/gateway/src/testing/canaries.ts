// `pnpm canaries <seed> <queries>`: generated queries through real doors before databases full of canaries.

import { printCanaryReport, runCanaries } from './canary-run.ts';

const [seed = '1', queries = '100000'] = process.argv.slice(2);
/** A door keeps what it was told for as long as it is open: a new pair for every so many. */
const A_DOOR = 10_000;

let bad = 0;
for (let done = 0, part = 0; done < Number(queries); part += 1) {
  const wanted = Math.min(A_DOOR, Number(queries) - done);
  const report = await runCanaries({ seed: Number(seed) + part, queries: wanted });
  done += report.sent;
  bad += report.leaks.length + report.told.length;
  process.stdout.write(`seed ${Number(seed) + part}: ${printCanaryReport(report)}\n${done} so far, ${bad} bad\n\n`);
}
process.exitCode = bad === 0 ? 0 : 1;
