import { oc } from '@orpc/contract';
import * as z from 'zod';
import { Instant } from './shapes.ts';

/** A device that asks to be signed in. `name` and `address` are what it says and where it asked from. */
export const DeviceSignIn = z.object({ name: z.string(), address: z.string(), createdAt: Instant, expiresAt: Instant });
const UserCode = z.string().trim().min(1).max(20);

export const devices = {
  find: oc
    .route({ method: 'POST', path: '/device-sign-ins/find', summary: 'What asks to be signed in under a code' })
    .input(z.object({ userCode: UserCode }))
    .output(DeviceSignIn),
  decide: oc
    .route({ method: 'POST', path: '/device-sign-ins/decide', summary: 'Let a device in as yourself, or not' })
    .input(z.object({ userCode: UserCode, allow: z.boolean() }))
    .output(z.object({ allowed: z.boolean() })),
};
