import {
  ALWAYS_FAILS_STATEMENT,
  decodeFrontendMessage,
  encodeBodyless,
  encodeCommandComplete,
  encodeCopyData,
  encodeCopyResponse,
  encodeDataRow,
  encodeError,
  encodeParameterDescription,
  encodeReadyForQuery,
  encodeRowDescription,
  type FieldDescription,
  type Frame,
  type TransactionStatus,
} from '@taskgate/protocol-postgres';
import { CUSTOMERS_OID, ORDERS_OID } from './open-scripted-door.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const field = (name: string, tableOid: number, attnum: number, typeOid: number): FieldDescription => ({
  name,
  tableOid,
  attnum,
  typeOid,
  typeSize: typeOid === 23 ? 4 : -1,
  typeModifier: -1,
  format: 0,
});

/** Stands in the masked column of every row that the server gives. */
export const CANARY = 'canary-7f3a';

interface Known {
  readonly tag: string;
  readonly fields?: readonly FieldDescription[];
  readonly rows?: number;
  readonly copy?: 'in' | 'out';
}

/** Its answer is like no other's: where it has come, everything in front of it has. */
export const MARKER = 'select status from public.orders';

/** What the server knows how to run. */
export const KNOWN: Readonly<Record<string, Known>> = {
  'select id, email from public.customers': {
    tag: 'SELECT 3',
    fields: [field('id', CUSTOMERS_OID, 1, 23), field('email', CUSTOMERS_OID, 3, 25)],
    rows: 3,
  },
  'select id, status from public.orders': {
    tag: 'SELECT 2',
    fields: [field('id', ORDERS_OID, 1, 23), field('status', ORDERS_OID, 3, 25)],
    rows: 2,
  },
  "update public.orders set status = 'x' where id = 1": { tag: 'UPDATE 1' },
  'copy (select id, email from public.customers) to stdout': { tag: 'COPY 3', rows: 3, copy: 'out' },
  'copy public.orders from stdin': { tag: 'COPY 0', copy: 'in' },
  [MARKER]: { tag: 'SELECT 5', fields: [field('status', ORDERS_OID, 3, 25)], rows: 5 },
  begin: { tag: 'BEGIN' },
  commit: { tag: 'COMMIT' },
  '': { tag: '' },
};

const masked = (known: Known): boolean => known.fields?.[1]?.name === 'email' || known.copy === 'out';

/** Answers as Postgres does, for the few statements that it knows; one a connection. */
export class HonestServer {
  readonly texts: string[] = [];
  /** Statements that it ran to their end. */
  completed = 0;
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  #status: TransactionStatus = 'idle';
  #skipping = false;
  #copying: { readonly known: Known; readonly simple: boolean } | null = null;

  answer(frame: Frame): readonly Uint8Array[] {
    const message = decodeFrontendMessage(frame);
    if (this.#copying !== null) {
      const { known, simple } = this.#copying;
      if (message.kind === 'copy-data' || message.kind === 'sync' || message.kind === 'flush') return [];
      this.#copying = null;
      if (message.kind === 'copy-done') {
        this.completed += 1;
        return [encodeCommandComplete(known.tag), ...(simple ? [this.#ready()] : [])];
      }
      return [...this.#fail('57014'), ...(simple ? [this.#ready()] : [])];
    }
    if (message.kind === 'sync') {
      this.#skipping = false;
      return [this.#ready()];
    }
    if (this.#skipping) return [];
    if (message.kind === 'query') return this.#query(message.text);
    switch (message.kind) {
      case 'parse':
        this.texts.push(message.text);
        if (message.text === ALWAYS_FAILS_STATEMENT) return this.#extendedFailure('42601');
        if (KNOWN[message.text] === undefined) return this.#extendedFailure('42601');
        this.#statements.set(message.statement, message.text);
        return [encodeBodyless('parse-complete')];
      case 'bind': {
        const text = this.#statements.get(message.statement);
        if (text === undefined) return this.#extendedFailure('26000');
        this.#portals.set(message.portal, text);
        return [encodeBodyless('bind-complete')];
      }
      case 'describe': {
        const text = (message.target === 'statement' ? this.#statements : this.#portals).get(message.name);
        if (text === undefined) return this.#extendedFailure(message.target === 'statement' ? '26000' : '34000');
        const { fields } = KNOWN[text]!;
        return [
          ...(message.target === 'statement' ? [encodeParameterDescription([])] : []),
          fields === undefined ? encodeBodyless('no-data') : encodeRowDescription(fields),
        ];
      }
      case 'execute': {
        const text = this.#portals.get(message.portal);
        return text === undefined ? this.#extendedFailure('34000') : this.#run(KNOWN[text]!, false);
      }
      case 'close':
        (message.target === 'statement' ? this.#statements : this.#portals).delete(message.name);
        return [encodeBodyless('close-complete')];
      default:
        return [];
    }
  }

  #query(text: string): readonly Uint8Array[] {
    this.texts.push(text);
    const known = KNOWN[text];
    if (known === undefined) return [...this.#fail('42601'), this.#ready()];
    const out = this.#run(known, true);
    return this.#copying === null ? [...out, this.#ready()] : out;
  }

  #run(known: Known, simple: boolean): readonly Uint8Array[] {
    if (known.copy === 'in') {
      this.#copying = { known, simple };
      return [encodeCopyResponse({ kind: 'copy-in', format: 0, columnFormats: [0, 0, 0, 0] })];
    }
    this.completed += 1;
    if (known.tag === 'BEGIN') this.#status = 'transaction';
    if (known.tag === 'COMMIT') this.#status = 'idle';
    if (known.tag === '') return [encodeBodyless('empty-query')];
    const value = (row: number): string => (masked(known) ? `${CANARY}-${row}@example.com` : 'open');
    const rows = Array.from({ length: known.rows ?? 0 }, (_, row) =>
      known.copy === 'out'
        ? encodeCopyData(bytes(`${row}\t${value(row)}\n`))
        : encodeDataRow(known.fields?.length === 1 ? [bytes(value(row))] : [bytes(`${row}`), bytes(value(row))]),
    );
    return [
      ...(simple && known.fields !== undefined ? [encodeRowDescription(known.fields)] : []),
      ...(known.copy === 'out' ? [encodeCopyResponse({ kind: 'copy-out', format: 0, columnFormats: [0, 0] })] : []),
      ...rows,
      ...(known.copy === 'out' ? [encodeBodyless('copy-done')] : []),
      encodeCommandComplete(known.tag),
    ];
  }

  #fail(sqlstate: string): readonly Uint8Array[] {
    if (this.#status === 'transaction') this.#status = 'failed';
    return [encodeError({ severity: 'ERROR', sqlstate, message: 'it failed' })];
  }

  #extendedFailure(sqlstate: string): readonly Uint8Array[] {
    this.#skipping = true;
    return this.#fail(sqlstate);
  }

  #ready(): Uint8Array {
    return encodeReadyForQuery(this.#status);
  }
}
