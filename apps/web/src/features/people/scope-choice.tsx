import { type Role, SCOPE_WORDS, SCOPES, SCOPES_OF_ROLE, type Scope } from '@taskgate/core';
import { Badge } from '@/components/badge.tsx';
import { Checkbox } from '@/components/input.tsx';
import { useMe } from '@/lib/me.tsx';

/** The scopes of a group: those of its roles, less what is taken out, and what is put to them. */
export function ScopeChoice({
  roles,
  scopes,
  withheld,
  onChange,
}: {
  roles: readonly Role[];
  scopes: readonly Scope[];
  withheld: readonly Scope[];
  onChange: (rights: { scopes: Scope[]; withheld: Scope[] }) => void;
}) {
  const me = useMe();
  const trusted = me.roles.includes('admin');
  return (
    <fieldset>
      <legend className="mb-1 font-medium text-sm">Scopes</legend>
      <p className="mb-1 text-muted text-xs">Those of its roles are ticked. Take some out, or put others to them.</p>
      <div className="flex flex-col gap-0.5">
        {SCOPES.map((scope) => {
          const byRole = roles.some((role) => SCOPES_OF_ROLE[role].includes(scope));
          const given = scopes.includes(scope) || (byRole && !withheld.includes(scope));
          const without = (list: readonly Scope[]) => list.filter((one) => one !== scope);
          const toggle = (on: boolean) =>
            onChange(
              on
                ? { scopes: byRole ? without(scopes) : [...without(scopes), scope], withheld: without(withheld) }
                : { scopes: without(scopes), withheld: byRole ? [...without(withheld), scope] : without(withheld) },
            );
          return (
            <div key={scope} className="flex flex-wrap items-center gap-x-2">
              <Checkbox
                label={scope}
                checked={given}
                disabled={!trusted && !me.scopes.includes(scope)}
                title={SCOPE_WORDS[scope]}
                onChange={(event) => toggle(event.target.checked)}
              />
              {given && !byRole && <Badge tone="info">beyond its roles</Badge>}
              {!given && byRole && <Badge tone="hold">withheld</Badge>}
            </div>
          );
        })}
      </div>
    </fieldset>
  );
}
