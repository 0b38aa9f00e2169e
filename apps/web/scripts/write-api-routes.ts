import { writeFileSync } from 'node:fs';
import { minifyContractRouter } from '@orpc/contract';
import { contract } from '@taskgate/contracts';

/** The browser needs method and path of each procedure, not its schemas (zod alone would be half of the page's script). */
export function renderApiRoutes(): string {
  const routes = JSON.stringify(minifyContractRouter(contract), (key, value: unknown) =>
    key === 'summary' || key === 'description' ? undefined : value,
  );
  return `${routes}\n`;
}

if (import.meta.main) writeFileSync(new URL('../src/lib/api-routes.json', import.meta.url), renderApiRoutes());
