import type { TestProject } from 'vitest/node';
import { type SystemFacts, startSystem } from './system.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    system: SystemFacts;
  }
}

/** One running system for all files. E2E_SYSTEM names one that runs already (JSON), for whoever writes tests. */
export default async function globalSetup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const running = process.env.E2E_SYSTEM;
  if (running) {
    project.provide('system', JSON.parse(running) as SystemFacts);
    return undefined;
  }
  const system = await startSystem();
  project.provide('system', system.facts);
  return system.stop;
}
