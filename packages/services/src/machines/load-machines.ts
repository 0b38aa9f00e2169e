import { contract } from '@taskgate/contracts';
import { TaskgateError } from '@taskgate/core';
import type { Transaction } from '@taskgate/db';
import type { ServiceContext } from '../context.ts';
import { inputOf, parseInput } from '../parse-input.ts';
import { requireScope } from '../require-scope.ts';
import { type MachineView, machineSelect, toMachineViews } from './machine-view.ts';

const MAX_MACHINES = 1_000;

/** Machines and agents by name. */
export async function loadMachines(ctx: ServiceContext, input: unknown): Promise<MachineView[]> {
  requireScope(ctx, 'people:read');
  const { kind } = parseInput(inputOf(contract.machines.list), input);
  const { db, clock } = ctx.services;
  const rows = await db.identity.findMany({
    where: { kind: kind ?? { in: ['machine', 'agent'] } },
    orderBy: [{ name: 'asc' }, { id: 'asc' }],
    take: MAX_MACHINES,
    select: machineSelect(clock.now()),
  });
  return toMachineViews(db, rows);
}

export async function loadMachine(ctx: ServiceContext, input: unknown): Promise<MachineView> {
  requireScope(ctx, 'people:read');
  const { id } = parseInput(inputOf(contract.machines.get), input);
  return loadMachineView(ctx, ctx.services.db, id);
}

export async function loadMachineView(ctx: ServiceContext, db: Transaction, id: string): Promise<MachineView> {
  const row = await db.identity.findUnique({
    where: { id, kind: { in: ['machine', 'agent'] } },
    select: machineSelect(ctx.services.clock.now()),
  });
  if (row === null) throw noMachine(id);
  return (await toMachineViews(db, [row]))[0]!;
}

export const noMachine = (id: string): TaskgateError =>
  new TaskgateError('not-found', `there is no machine or agent \`${id}\``);
