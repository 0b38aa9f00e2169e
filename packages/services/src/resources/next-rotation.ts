/** After a failure the gate tries again this much later. */
const RETRY_MS = 15 * 60_000;

export interface RotationTimes {
  /** Milliseconds; `null`: only when somebody asks. */
  readonly rotateMs: bigint | null;
  readonly setAt: Date;
  readonly rotationFailedAt: Date | null;
}

/** When the gate sets the next password by itself; `null`: never. */
export function nextRotationAt({ rotateMs, setAt, rotationFailedAt }: RotationTimes): Date | null {
  if (rotateMs === null) return null;
  const due = setAt.getTime() + Number(rotateMs);
  return new Date(rotationFailedAt === null ? due : Math.max(due, rotationFailedAt.getTime() + RETRY_MS));
}
