'use client';
import { plural } from '@/lib/format.ts';
import { Field } from './field.tsx';
import { Select } from './input.tsx';

const DAY_MS = 86_400_000;
const NAME = 'days';

/** How long something that is made by a form is good for; {@link lifetimeMs} reads it from the form's data. */
export function LifetimeField({
  days,
  chosen,
  error,
}: {
  readonly days: readonly number[];
  readonly chosen: number;
  readonly error: string | null | undefined;
}) {
  return (
    <Field label="Ends after" error={error}>
      {(props) => (
        <Select {...props} name={NAME} defaultValue={chosen}>
          {days.map((count) => (
            <option key={count} value={count}>
              {plural(count, 'day')}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

export const lifetimeMs = (data: FormData): number => Number(data.get(NAME)) * DAY_MS;
