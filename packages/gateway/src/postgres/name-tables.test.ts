import { expect, test } from 'vitest';
import { createNameTables } from './session-state.ts';

test('portals of many parameters fill the table also where these are of no bytes', () => {
  const { portals } = createNameTables();
  const statement = {
    text: '',
    parameterTypes: [],
    decided: null as never,
    contextKey: '',
    shape: null,
    viaSql: false,
  };
  let count = 0;
  for (; !portals.full && count < 1_000; count++)
    portals.stage(`p${count}`, {
      statement,
      contextKey: '',
      parameters: new Array<null>(65_535).fill(null),
      parameterFormats: [],
      resultFormats: [],
      cursor: false,
      shape: null,
    })();
  expect(count).toBeLessThan(100);
  portals.clear();
  expect(portals.full).toBe(false);
});
