import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { SecretValue } from '@taskgate/core';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres, stopEmbeddedPostgres } from './start-embedded-postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'taskgate-embedded-'));
chmodSync(folder, 0o711);
const password = new SecretValue('correct horse / battery@staple');
const started: EmbeddedPostgres[] = [];
const log: string[] = [];

async function start(data = 'data', more: { port?: number; settings?: Record<string, string> } = {}) {
  const server = await startEmbeddedPostgres({
    dataDirectory: join(folder, data),
    port: more.port ?? 0,
    databases: ['shop'],
    superuserPassword: password,
    settings: { fsync: 'off', ...more.settings },
    log: (line) => log.push(line),
  });
  started.push(server);
  return server;
}

async function query(server: EmbeddedPostgres, sql: string): Promise<Record<string, unknown>[]> {
  const client = server.connectionUrl('shop').reveal((connectionString) => new pg.Client({ connectionString }));
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  log.length = 0;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('startEmbeddedPostgres', () => {
  it('keeps data over a stop and a start, and makes the databases asked for', async () => {
    const first = await start();
    await query(first, 'create table kept (n int); insert into kept values (42)');
    await first.stop();
    const second = await start('data', { settings: { log_statement: 'all' } });
    expect(await query(second, 'select n from kept')).toEqual([{ n: 42 }]);
    expect(log.some((line) => line.includes('select n from kept'))).toBe(true);
  });

  it('listens on 127.0.0.1 alone, asks everybody for SCRAM, and leaves no password behind', async () => {
    const server = await start();
    expect(await query(server, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(server, 'show unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
    expect(await query(server, 'select distinct auth_method from pg_hba_file_rules')).toEqual([
      { auth_method: 'scram-sha-256' },
    ]);
    expect(statSync(server.dataDirectory).mode & 0o077).toBe(0);
    expect(readdirSync(folder).filter((name) => name.includes('password') || name.endsWith('.new'))).toEqual([]);
    const wrong = new pg.Client({ host: server.host, port: server.port, user: 'postgres', password: 'x' });
    await expect(wrong.connect()).rejects.toMatchObject({ code: '28P01' });
  });

  it('recovers what was committed when the server was killed, though its pid file is still there', async () => {
    const server = await start('killed', { settings: { fsync: 'on' } });
    await query(server, 'create table kept as select 1 as n');
    process.kill(server.pid, 'SIGKILL');
    expect((await server.exited).signal).toBe('SIGKILL');
    const next = await start('killed');
    expect(await query(next, 'select n from kept')).toEqual([{ n: 1 }]);
  });

  it('starts though the pid in a stale pid file belongs to another process now', async () => {
    const server = await start('reused');
    const pidFile = join(server.dataDirectory, 'postmaster.pid');
    const written = readFileSync(pidFile, 'utf8');
    await server.stop();
    writeFileSync(pidFile, written.replace(/^\d+/, String(process.pid)), { mode: 0o600 });
    expect((await start('reused')).pid).not.toBe(process.pid);
  });

  it('stops a server that a dead supervisor left on the data before it starts its own', async () => {
    const left = await start();
    const own = await start();
    await left.exited;
    expect(own.pid).not.toBe(left.pid);
    expect(await query(own, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('can be stopped by its data directory alone', async () => {
    const left = await start();
    await stopEmbeddedPostgres(join(folder, 'data'), () => undefined);
    await left.exited;
    await stopEmbeddedPostgres(join(folder, 'nothing'), () => undefined);
  });

  it('names the port when it is taken', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    try {
      await expect(start('data', { port })).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(String(port)),
      });
    } finally {
      blocker.close();
    }
  });

  it('says so when the data was made with another password', async () => {
    await (await start()).stop();
    const other = startEmbeddedPostgres({
      dataDirectory: join(folder, 'data'),
      port: 0,
      databases: ['shop'],
      superuserPassword: new SecretValue('another'),
      log: () => undefined,
    });
    await expect(other).rejects.toMatchObject({ code: 'credential-refused' });
  });

  it('refuses to touch a folder that holds something else', async () => {
    const foreign = mkdtempSync(join(folder, 'foreign-'));
    writeFileSync(join(foreign, 'letter.txt'), 'dear');
    await expect(start(basename(foreign))).rejects.toMatchObject({ code: 'conflict' });
    expect(readdirSync(foreign)).toEqual(['letter.txt']);
  });

  it.runIf(process.getuid?.() === 0)('as root puts data where its user can reach it, and links to it', async () => {
    const home = mkdtempSync(join(folder, 'home-')); // 0700
    const server = await startEmbeddedPostgres({
      dataDirectory: join(home, 'store'),
      port: 0,
      superuserPassword: password,
      log: () => undefined,
    });
    try {
      expect(server.dataDirectory).toMatch(/^\/var\/lib\/taskgate-[0-9a-f]{12}\/store$/);
      expect(lstatSync(join(home, 'store')).isSymbolicLink()).toBe(true);
      expect(statSync(server.dataDirectory).uid).not.toBe(0);
      expect(
        execFileSync('ps', ['-o', 'user=', '-p', String(server.pid)])
          .toString()
          .trim(),
      ).not.toBe('root');
    } finally {
      await server.stop();
      rmSync(dirname(server.dataDirectory), { recursive: true, force: true });
    }
  });
});
