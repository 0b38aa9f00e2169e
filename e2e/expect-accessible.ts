import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const THEMES = ['light', 'dark'] as const;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const { SHOTS } = process.env;
let shot = 0;

/** The page as it stands violates nothing of WCAG 2.2 AA, light and dark; it is left in the light. `SHOTS` names a folder for screenshots. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const theme of THEMES) {
    expect.soft(await violationsOf(page, theme), `${page.url()} ${theme}`).toEqual([]);
    if (SHOTS) await page.screenshot({ path: join(SHOTS, `${String(shot++).padStart(3, '0')}-${theme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

/** In the dark only colours differ: what else a page is made of is checked in the light. */
async function violationsOf(page: Page, theme: (typeof THEMES)[number]): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
  const axe = new AxeBuilder({ page });
  const { violations } = await (theme === 'light' ? axe.withTags(TAGS) : axe.withRules('color-contrast')).analyze();
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join(' | ')}`,
  );
}
