'use client';
import { useEffect, useState } from 'react';
import { Field } from '@/components/field.tsx';
import { Checkbox, Select } from '@/components/input.tsx';
import { Panel } from '@/components/page.tsx';
import { setPreference, usePreferences } from '@/lib/preferences.ts';
import { readTheme, setTheme, THEMES, type Theme } from '@/lib/theme.ts';

/** What is kept in this browser alone. */
export function BrowserSettings() {
  const { shortcuts, firstStepsDismissed } = usePreferences();
  const [theme, setCurrent] = useState<Theme>('system');
  useEffect(() => setCurrent(readTheme(document.documentElement.dataset.theme)), []);
  return (
    <div className="flex flex-col gap-4">
      <Panel title="Appearance">
        <div className="max-w-xs">
          <Field label="Theme">
            {(props) => (
              <Select
                {...props}
                value={theme}
                onChange={(event) => {
                  const next = readTheme(event.target.value);
                  setTheme(next);
                  setCurrent(next);
                }}
              >
                {THEMES.map((item) => (
                  <option key={item} value={item}>
                    {item === 'system' ? 'as the system has it' : item}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
      </Panel>
      <Panel title="Keyboard">
        <Checkbox
          label="Single keys: g then a letter, ?, and the letters of the inbox"
          checked={shortcuts}
          onChange={(event) => setPreference('shortcuts', event.target.checked)}
        />
        <p className="mt-1 text-muted text-sm">
          Switch them off when you speak your input or use a tool that sends letters. Ctrl K always works.
        </p>
      </Panel>
      <Panel title="Home">
        <Checkbox
          label="Show the first steps where the demo is installed"
          checked={!firstStepsDismissed}
          onChange={(event) => setPreference('firstStepsDismissed', !event.target.checked)}
        />
      </Panel>
    </div>
  );
}
