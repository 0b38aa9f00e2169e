import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contract, VERB_SCOPES } from '@taskgate/contracts';
import { ROLES, SCOPE_WORDS, SCOPES, SCOPES_OF_ROLE } from '@taskgate/core';

export const ACCESS_PAGE = join(import.meta.dirname, '../../../../docs/access.md');

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(header), row(header.map(() => '---')), ...rows.map(row)].join('\n');

function scopeTable(): string {
  return table(
    ['scope', ...ROLES, 'opens'],
    SCOPES.map((scope) => [
      `\`${scope}\``,
      ...ROLES.map((role) => (SCOPES_OF_ROLE[role].includes(scope) ? 'yes' : '')),
      SCOPE_WORDS[scope],
    ]),
  );
}

function verbTable(): string {
  const routes = contract as unknown as Record<
    string,
    Record<string, { '~orpc': { route: { method?: string; path?: string } } }>
  >;
  return table(
    ['call', 'needs', 'of'],
    Object.entries(VERB_SCOPES).map(([verb, { scopes, whose }]) => {
      const [noun = '', name = ''] = verb.split('.');
      const { method, path } = routes[noun]![name]!['~orpc'].route;
      const needs =
        scopes === 'anybody'
          ? 'nothing'
          : scopes === 'signed-in'
            ? 'a sign-in'
            : scopes.map((scope) => `\`${scope}\``).join(' or ');
      return [`\`${method} ${path}\``, needs, whose];
    }),
  );
}

/** The page with its tables as they are now. */
export function renderAccess(page: string): string {
  return [['scopes', scopeTable()] as const, ['verbs', verbTable()] as const].reduce(
    (text, [name, content]) =>
      text.replace(
        new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(\n<!-- /${name} -->)`),
        (_, start: string, end: string) => `${start}\n${content}\n${end}`,
      ),
    page,
  );
}

if (import.meta.main) writeFileSync(ACCESS_PAGE, renderAccess(readFileSync(ACCESS_PAGE, 'utf8')));
