import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlreadyRunningError, openProcessRegister, type ProcessRegister } from './process-register.ts';
import { type SupervisedProcess, startProcess } from './supervised-process.ts';

const IDLE = 'setInterval(() => {}, 1000);';
const STUBBORN = `process.on("SIGTERM", () => {}); ${IDLE}`;

let folder: string;
let registerFile: string;
let register: ProcessRegister;
const started: SupervisedProcess[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'supervised-'));
  registerFile = join(folder, 'processes.json');
  register = await openProcessRegister(registerFile, () => undefined);
});
afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill();
    await child.exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a script, and waits until it has said `up`. */
async function start(name: string, script: string): Promise<SupervisedProcess> {
  const child = startProcess({
    name,
    command: process.execPath,
    args: ['-e', `${script}; console.log("up")`],
    cwd: folder,
    env: process.env,
    logs: folder,
    register,
  });
  started.push(child);
  while (!child.lastWords().includes('up')) await Promise.race([delay(10), child.exited]);
  return child;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a supervised process', () => {
  it('tells how it ended and what it said last, in a log that nobody else can read', async () => {
    const child = await start('web', 'setTimeout(() => { console.error("no more tea"); process.exit(3) }, 50)');
    expect(await child.exited).toBe('exit code 3');
    expect(child.lastWords()).toContain('no more tea');
    expect(statSync(child.logFile).mode & 0o077).toBe(0);
    await start('web', IDLE);
    expect(readFileSync(join(folder, 'web.1.log'), 'utf8')).toContain('no more tea');
  });

  it('is killed with its helpers when it does not stop in time', async () => {
    const helper = 'require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"])';
    const child = await start('gateway', `console.log("helper " + ${helper}.pid); ${STUBBORN}`);
    const helperPid = Number(/helper (\d+)/.exec(child.lastWords().join('\n'))?.[1]);
    expect(isAlive(helperPid)).toBe(true);
    await child.stop(100);
    expect(await child.exited).toBe('SIGKILL');
    while (isAlive(helperPid)) await delay(10);
  });
});

describe('the register of processes', () => {
  it('refuses a second supervisor of the same home', async () => {
    await expect(openProcessRegister(registerFile, () => undefined)).rejects.toBeInstanceOf(AlreadyRunningError);
  });

  it('ends what a killed supervisor left, and nothing else that has the same number', async () => {
    const left = await start('web', IDLE);
    const bystander = spawn(process.execPath, ['-e', IDLE], { stdio: 'ignore', detached: true });
    const entries = JSON.parse(readFileSync(registerFile, 'utf8')) as {
      name: string;
      pid: number;
      startedAt: string;
    }[];
    // As it looks after the supervisor was killed: its pid is somebody else's by now, and so is the gateway's.
    for (const entry of entries) if (entry.name === 'supervisor') entry.startedAt = '1';
    entries.push({ name: 'gateway', pid: bystander.pid ?? 0, startedAt: '1' });
    writeFileSync(registerFile, JSON.stringify(entries));
    const log: string[] = [];
    await openProcessRegister(registerFile, (line) => log.push(line));
    expect(await left.exited).toBe('SIGTERM');
    expect(log).toEqual([expect.stringContaining('ending web')]);
    expect(isAlive(bystander.pid ?? 0)).toBe(true);
    bystander.kill('SIGKILL');
    await once(bystander, 'exit');
  });
});
