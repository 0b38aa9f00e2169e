interface Rows {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** As Postgres's own COPY writes text: a tab, a line end or a backslash in a value is escaped, so no value breaks a row. */
export function toTsv({ columns, rows }: Rows): string {
  const cell = (value: string | null): string =>
    value === null
      ? '\\N'
      : value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return [columns.map(({ name }) => name), ...rows].map((row) => row.map(cell).join('\t')).join('\n');
}

/** Values stay text: numbers as JSON has them would lose digits. Columns of one name are told apart by `_2`, `_3`. */
export function toJson({ columns, rows }: Rows): string {
  const names: string[] = [];
  for (const { name } of columns) {
    let unique = name;
    for (let count = 2; names.includes(unique); count++) unique = `${name}_${count}`;
    names.push(unique);
  }
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null]))),
    null,
    2,
  );
}
