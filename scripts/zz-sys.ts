import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { DEMO_SHOP_DATABASE, DEMO_SHOP_ROLE, installDemoShop } from './demo/demo-shop.ts';
import { ensureRoleAndDatabase, startEmbeddedServer } from './serve/embedded-server.ts';
import { openHome } from './serve/home.ts';
import { runSetup } from './serve/run-setup.ts';

const home = openHome('/tmp/sys/home');
const store = await startEmbeddedServer({ home, name: 'store', port: 15540 });
const storeUrl = await ensureRoleAndDatabase(store, 'taskgate', home.secret('store-password'), 'taskgate');
const shop = await startEmbeddedServer({ home, name: 'demo-shop', port: 15541 });
const url = await ensureRoleAndDatabase(shop, DEMO_SHOP_ROLE, home.secret('demo-shop-password'), DEMO_SHOP_DATABASE);
await installDemoShop(shop);
const env = {
  ...process.env,
  DATABASE_URL: storeUrl,
  TASKGATE_HOME: home.path,
  TASKGATE_WEB_PORT: '3950',
  TASKGATE_POSTGRES_PORT: '15550',
  TASKGATE_CONSOLE_PORT: '15551',
  TASKGATE_URL: 'http://127.0.0.1:3950',
  TASKGATE_DEMO: '1',
  XDG_CONFIG_HOME: '/tmp/sys/config',
};
console.log(
  await runSetup({
    script: join(import.meta.dirname, '../apps/gateway/src/setup.ts'),
    cwd: '/tmp/sys',
    logs: home.logs,
    signal: new AbortController().signal,
    env: { ...env, TASKGATE_DEMO_PASSWORD: 'demo-pass-123456', TASKGATE_DEMO_TARGET_URL: url },
  }),
);
const fs = await import('node:fs');
fs.writeFileSync(
  '/tmp/sys/env.json',
  JSON.stringify({ storeUrl, shopUrl: url, superShop: shop.connectionUrl('shop').reveal((x: string) => x) }),
);
const gw = spawn(process.execPath, [...(process.env.PROF ? ['--cpu-prof', '--cpu-prof-dir=/tmp/sys/prof'] : []), join(import.meta.dirname, '../apps/gateway/src/main.ts')], {
  env,
  stdio: 'inherit',
});
for (const s of ['SIGINT', 'SIGTERM'] as const)
  process.on(s, async () => {
    gw.kill('SIGTERM');
    await new Promise((r) => gw.on('exit', r));
    await shop.stop();
    await store.stop();
    process.exit(0);
  });
