import { relative } from 'node:path';
import type { Home } from './home.ts';
import type { SetupResult } from './run-setup.ts';

const DEMO_SIGN_INS = [
  { email: 'admin@demo.test', groups: ['admins'] },
  { email: 'engineer@demo.test', groups: ['analysts', 'support'] },
  { email: 'reviewer@demo.test', groups: ['dba'] },
  { email: 'auditor@demo.test', groups: ['auditors'] },
];

/** What a person reads once all is ready: where to go, how to sign in, and one line to paste. */
export function announcement(options: {
  readonly webUrl: string;
  readonly postgresPort: number;
  readonly demo: boolean;
  readonly home: Home;
  readonly result: SetupResult;
  /** Shown at the first start only, and only where nobody set it. */
  readonly password: string | null;
}): string {
  const lines = ['', `  Taskgate is ready: ${options.webUrl}`, ''];
  if (options.demo) {
    const signIns = options.result.signIns ?? DEMO_SIGN_INS;
    const width = Math.max(...signIns.map(({ email }) => email.length));
    lines.push('  Sign in as');
    for (const { email, groups } of signIns)
      lines.push(`    ${email.padEnd(width)}  ${(groups ?? []).join(', ')}`.trimEnd());
    const file = relative(process.cwd(), options.home.secretFile('demo-password'));
    lines.push(
      options.password === null
        ? `  with the password in ${file}`
        : `  with the password  ${options.password}   (kept in ${file})`,
      '',
      '  Try it with your own psql',
      ...signInLines(options.webUrl, options.result.commandLine),
      `    PGPASSWORD=$(npx taskgate grant sales-report --reason demo --token) psql "host=127.0.0.1 port=${options.postgresPort} user=sales-report dbname=shop"`,
    );
  } else if (options.result.setupUrl) {
    lines.push('  Make the first admin here (works once)', `    ${options.result.setupUrl}`);
  } else if (options.result.setupToken) {
    lines.push(`  Make the first admin with this token (works once)`, `    ${options.result.setupToken}`);
  }
  lines.push('', `  Logs are in ${relative(process.cwd(), options.home.logs)}. Ctrl-C stops everything.`, '');
  return lines.join('\n');
}

/** What comes first where `npx taskgate` is signed in elsewhere. */
function signInLines(webUrl: string, kept: SetupResult['commandLine']): readonly string[] {
  if (kept === undefined) return [];
  return [
    `  (the command line is signed in at ${kept.url} as ${kept.email}, and stays so until you sign it in here)`,
    `    TASKGATE_URL=${webUrl} npx taskgate login --email engineer@demo.test`,
  ];
}
