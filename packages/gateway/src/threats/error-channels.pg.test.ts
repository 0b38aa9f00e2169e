import { encodeCopyData, encodeCopyDone, encodeExecute, encodeQuery, encodeSync } from '@taskgate/protocol-postgres';
import { waitUntil } from '@taskgate/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EveryWay, WAYS, type Way } from '../testing/every-way.ts';
import { EVERY_CANARY_MASKED, openThreatDoor, type ThreatDoor } from '../testing/open-threat-door.ts';
import { bind, parse, type RawClient } from '../testing/raw-client.ts';

let door: ThreatDoor;
let ways: EveryWay;
/** What the functions at the target know and no client may: the number of customer 3. */
let canary: string;

/** Casts that quote what they could not read, each in an error of its own. */
const CASTS = [
  'int',
  'bigint',
  'numeric',
  'boolean',
  'date',
  'time',
  'timestamptz',
  'interval',
  'money',
  'uuid',
  'inet',
  'macaddr',
  'point',
  'bit(4)',
  'json',
  'jsonb',
  'int[]',
  'int4range',
  'oid',
  'regclass',
  'regproc',
  'regtype',
  'regrole',
  'regnamespace',
  'pg_lsn',
  'public.mood',
  'public.short',
];

/** Code at the target that says what it should not: run by an update whose status names the channel. */
const CHANNELS: Readonly<Record<string, string>> = {
  'a check': 'insert into public.spilt (id, checked) values (1, v)',
  'a unique index': 'insert into public.spilt (id, once) values (1, v), (2, v)',
  'an exclusion':
    "insert into public.spilt (id, apart) values (1, int4range(1, 5)), (2, int4range(2, 6)); raise exception '%', v",
  'a not null': 'insert into public.spilt (id, once) values (null, v)',
  'a foreign key': 'insert into public.spilt (id, country) values (1, v)',
  'a length': 'insert into public.spilt (id, narrow) values (1, v)',
  'a raise': "raise exception 'found %', v",
  'a raise in every field':
    'raise exception using message = v, detail = v, hint = v, column = v, constraint = v, datatype = v, table = v, schema = v',
  'a raise by its code': "raise exception using errcode = translate(substr(v, 1, 6), '-', '')",
  'a raise in Postgres’ own words': `raise exception using errcode = '42P01', message = format('relation "%s" does not exist', v)`,
  'a raise as a unique violation': `raise exception using errcode = '23505', constraint = v, message = format('duplicate key value violates unique constraint "%s"', v)`,
  'a text that runs': "execute format('select %I', v)",
  'a text that does not parse': "execute 'select 1 from ' || v",
  'an assertion': 'assert false, v',
  'a regular expression': "perform 'x' ~ ('(' || v)",
  'a format': "perform to_date(v, 'YYYY Mon DD')",
  'an element of json': 'perform jsonb_set(to_jsonb(v), array[v], to_jsonb(1))',
  'an array': "perform ('{' || v)::text[]",
  'a collation': `execute format('select ''a'' collate %I', v)`,
  'a role': "execute format('set local role %I', v)",
  'a setting that is not': "perform set_config('taskgate.' || v || ' x', v, true)",
  'broken xml': "perform xmlparse(document '<' || v)",
  'a broken tsquery': "perform ('& ' || v)::tsquery",
  'a deep context': 'perform public.spill_deep(v)',
};
const NOTICES: Readonly<Record<string, string>> = {
  'a notice': "raise notice '%', v",
  'a warning': "raise warning 'careful with %', v using hint = v, detail = v",
  'an info': "raise info '%', v",
  'a log': "raise log '%', v",
  'a notice in Postgres’ own words': `raise notice using errcode = '42P07', message = format('relation "%s" already exists, skipping', v)`,
  'a notice of the server itself': "execute format('drop table if exists %I', v)",
};
const SETTINGS: Readonly<Record<string, string>> = {
  application_name: "perform set_config('application_name', v, false)",
  TimeZone: "perform set_config('TimeZone', '<' || v || '>3', false)",
  search_path: "perform set_config('search_path', v, false)",
};

beforeAll(async () => {
  door = await openThreatDoor();
  const [row] = await door.database.query<{ ssn: string }>('select ssn from public.customers where id = 3');
  canary = row!.ssn;
  const branches = Object.entries({ ...CHANNELS, ...NOTICES, ...SETTINGS })
    .map(([name, code]) => `when '${name}' then ${code};`)
    .join('\n');
  await door.database.query(`
    create table public.countries (code text primary key);
    create table public.spilt (id int not null, checked text check (length(checked) < 3), once text unique, apart int4range,
      country text references public.countries, narrow varchar(3), exclude using gist (apart with &&));
    create function public.spill_deep(v text) returns void language plpgsql as $f$ begin perform v::int; end $f$;
    create function public.spill() returns trigger language plpgsql as $f$
    declare v text := (select ssn from public.customers where id = 3);
    begin
      if new.status like 'cast %' then execute format('select $1::%s', substr(new.status, 6)) using v;
      elsif new.status like 'literal %' then execute format('select %L::%s', v, substr(new.status, 9));
      else case new.status
      ${branches}
      else null; end case; end if;
      return new;
    end $f$;
    create trigger spill before update on public.orders for each row execute function public.spill();
    create function public.spill_late() returns trigger language plpgsql as $f$
    begin raise exception 'late: %', (select ssn from public.customers where id = 3) using errcode = '23514'; end $f$;
    create constraint trigger spill_late after insert on public.order_items deferrable initially deferred
      for each row when (new.sku = 'late') execute function public.spill_late();
    create function public.spill_in() returns trigger language plpgsql as $f$
    begin perform (select ssn from public.customers where id = 3)::int; return new; end $f$;
    create trigger spill_in before insert on public.payments for each row when (new.amount_cents = 7) execute function public.spill_in();
    create function public.listens() returns void language plpgsql as 'begin listen c; end';`);
  ways = await EveryWay.open(door, admin());
});
afterAll(async () => {
  await door.close();
});

const admin = () => door.grant('shop-admin', { policies: [EVERY_CANARY_MASKED] });
const spill = (channel: string): string => `update public.orders set status = '${channel}' where id = 1`;
const wholeOf = async (matching: string): Promise<readonly string[]> =>
  (await door.recorded()).filter(({ statement }) => statement === matching).map(({ message }) => message ?? '');

describe('W22 an error of the target says what happened, and nothing that it happened to', () => {
  const expectError = async (channel: string): Promise<void> => {
    await ways.check(spill(channel), ({ errors }, way) => {
      expect([way, channel, errors.length]).toEqual([way, channel, 1]);
      expect(errors[0]!.code).toMatch(/^[0-9A-Z]{5}$/);
      expect(errors[0]!.fields).toMatch(/the session's recording has it: http:\/\/127\.0\.0\.1:3000\/explain\/dec_/);
    });
  };

  it.each(CASTS)('W22 a cast to %s, of a value and of a literal', async (type) => {
    await expectError(`cast ${type}`);
    await expectError(`literal ${type}`);
  });

  it.each(Object.keys(CHANNELS))('W22 %s', async (channel) => {
    await expectError(channel);
  });

  it('W22 the recording has all of it, sealed', async () => {
    await waitUntil(
      async () => (await wholeOf(spill('a deep context'))).filter((text) => text !== '').length === WAYS.length,
    );
    const recorded = await door.recorded();
    const channels = [...CASTS.map((type) => `cast ${type}`), ...Object.keys(CHANNELS)];
    const lost = channels.filter(
      (channel) =>
        !recorded.some(({ statement, message }) => statement === spill(channel) && message?.includes(canary) === true),
    );
    // What these say does not quote the value in full, with or without a gate.
    expect(lost.sort()).toEqual(
      [
        'a format',
        'a regular expression',
        'an element of json',
        'an exclusion',
        'cast json',
        'cast jsonb',
        'a length',
        'a raise by its code',
        'cast bit(4)',
        'cast public.short',
      ].sort(),
    );
  });

  it.each(WAYS)('W22 a commit that fails, sent as %s, tells it and is recorded as undone', async (way) => {
    const text = `insert into public.order_items (id, sku) values (${900 + WAYS.indexOf(way)}, 'late')`;
    const answer = await ways.send(way, text);
    expect(answer.errors.map(({ code, message }) => [code, message])).toEqual([['23514', 'check violation']]);
    door.expectNoLeak();
    await waitUntil(async () =>
      (await door.recorded()).some(({ statement, outcome }) => statement === text && outcome === 'error'),
    );
    expect((await wholeOf(text))[0]).toContain(canary);
  });

  it('W22 an error in a batch is the same, and so is one in a function of a read', async () => {
    const client = await door.raw(admin());
    const answer = await client.exchange([
      parse('', 'update public.orders set status = $1 where id = 1'),
      bind('', '', ['cast int']),
      encodeExecute('', 0),
      encodeSync(),
    ]);
    expect(answer.errors[0]).toMatchObject({ code: '22P02', message: 'invalid text representation' });
    // A guess among the client's own parameters is not confirmed.
    const guess = await client.exchange([
      parse('', 'update public.orders set status = $1 where id = 1 and $2 is not null', [25, 25]),
      bind('', '', ['cast int', canary]),
      encodeExecute('', 0),
      encodeSync(),
    ]);
    expect(guess.errors[0]?.fields).not.toContain(canary);
    expect(door.leaksTo(client)).toEqual([]);
    client.close();
  });

  it('W22 what the client got wrong itself is still said', async () => {
    const client = await door.raw(admin());
    for (const [text, message] of [
      ["select 'abc'::int", 'invalid input syntax for type integer: "abc"'],
      ['select 1/0', 'division by zero'],
      [
        'update public.orders set customer_id = 4000 where id = 2',
        'insert or update on table "orders" violates foreign key constraint "orders_customer_id_fkey"',
      ],
      [
        'insert into public.customers (id) values (1)',
        'duplicate key value violates unique constraint "customers_pkey"',
      ],
      [
        'insert into public.customers (id) values (null)',
        'null value in column "id" of relation "customers" violates not-null constraint',
      ],
      ["select 'a' + 1", 'invalid input syntax for type integer: "a"'],
      ['commit; savepoint x', 'SAVEPOINT can only be used in transaction blocks'],
    ] as const)
      expect([text, (await client.query(text)).errors[0]?.message]).toEqual([text, message]);
    const bound = await client.exchange([parse('', 'select $1::int'), bind('', '', ['xyz']), encodeSync()]);
    expect(bound.errors[0]?.message).toBe('invalid input syntax for type integer: "xyz"');
    client.close();
  });

  it('W22 a task without masks that may see everything is told everything', async () => {
    const client = await door.raw(door.grant('shop-admin', { policies: [] }));
    const text = 'insert into public.customers (id) values (1)';
    expect((await client.query(text)).errors[0]?.fields).toContain('Key (id)=(1) already exists.');
    const denied = await door.raw(
      door.grant('shop-admin', {
        policies: [
          `kind: Policy
name: no-numbers
purpose: Nobody reads them
applies: { resources: { labels: { env: production } } }
deny:
  - select: public.customers
    columns: [ssn]
`,
        ],
      }),
    );
    expect((await denied.query(text)).errors[0]?.fields).not.toContain('D=');
    expect((await denied.query(spill('a raise'))).errors[0]?.message).toBe('raise exception');
    expect(door.leaksTo(denied)).toEqual([]);
    client.close();
    denied.close();
  });
});

describe('W22 a copy says the line, and not the value', () => {
  const copyIn = async (client: RawClient, table: string, data: string) => {
    client.send(encodeQuery(`copy ${table} from stdin`));
    await client.until('G');
    return client.exchange([encodeCopyData(Buffer.from(data)), encodeCopyDone()]);
  };

  it('W22 in masked columns, with constraints and triggers that fail', async () => {
    const client = await door.raw(admin());
    const failing = [
      [
        'public.payments (id, order_id, card_number, amount_cents)',
        '500\t1\tx\t1\nabc\t1\ty\t1\n',
        '22P02',
        'COPY payments, line 2, column id',
      ],
      ['public.customers (id, ssn)', `700\tx\n701\t${canary}\n`, '23505', 'COPY customers, line 2'],
      ['public.payments (id, order_id, card_number, amount_cents)', '501\t1\tx\t7\n', '22P02', 'COPY payments, line 1'],
      ['public.spilt (id, checked)', '1\tlong enough\n', '23514', 'COPY spilt, line 1'],
    ] as const;
    for (const [table, data, code, place] of failing) {
      const answer = await copyIn(client, table, data);
      expect([table, answer.errors[0]?.code]).toEqual([table, code]);
      expect(answer.errors[0]?.fields).toContain(`W=${place}`);
      expect(answer.errors[0]?.fields).not.toMatch(/"(abc|long enough)"/);
    }
    expect(door.leaksTo(client)).toEqual([]);
    client.close();
  });
});

describe('W22 notices', () => {
  it.each(Object.keys(NOTICES))('W22 %s is not sent', async (channel) => {
    await ways.check(spill(channel), ({ errors, letters }, way) => {
      expect([way, channel, errors]).toEqual([way, channel, []]);
      expect(letters).not.toContain('N');
    });
  });

  it('W22 what is not sent is in the recording', async () => {
    for (const channel of ['a notice', 'a warning'])
      await waitUntil(async () => (await wholeOf(spill(channel))).length === WAYS.length);
    expect((await wholeOf(spill('a notice')))[0]).toContain(`NOTICE:  ${canary}\nCONTEXT:`);
    expect((await wholeOf(spill('a warning')))[0]).toContain('WARNING:  careful with');
  });

  it('W22 the server’s own about what the client wrote is', async () => {
    const client = await door.raw(admin());
    const answer = await client.query('create table if not exists public.orders (id int)');
    expect(answer.letters).toBe('NCZ');
    expect((await client.query('begin; begin; commit')).letters).toContain('N');
    client.close();
  });
});

describe('P18 W22 settings', () => {
  it.each(Object.entries(SETTINGS))('P18 a function that puts a row into %s is told of to nobody', async (channel) => {
    // `check` looks for the canary in every byte; simple and extended clients are told of settings, consoles are not.
    const own = await EveryWay.open(door, admin());
    await own.check(spill(channel), ({ errors }) => expect(errors).toEqual([]));
    await own.check('select 1', () => undefined);
    own.close();
  });

  it('P18 what the client sets itself is told', async () => {
    const client = await door.raw(admin());
    expect((await client.query("set application_name = 'my report'")).letters).toBe('CSZ');
    expect((await client.query("set timezone = 'Europe/Amsterdam'")).letters).toBe('CSZ');
    expect((await client.query("set datestyle = 'German'")).letters).toBe('CSZ');
    expect((await client.query('reset all')).letters).toContain('S');
    client.close();
  });
});

describe('W21 notifications', () => {
  it('W21 are not sent, even where a function at the target listens', async () => {
    const grant = door.grant('shop-admin', {
      policies: [EVERY_CANARY_MASKED],
      source: `kind: Task
name: shop-admin
purpose: A function that listens
resource: demo-shop
who: { groups: [support] }
access: { ttl: 30m }
allow:
  - statements: '*'
  - functions: public.listens
`,
    });
    const listeners = await EveryWay.open(door, grant);
    await listeners.check('select public.listens()', ({ errors }, way) => expect([way, errors]).toEqual([way, []]));
    await door.database.query("select pg_notify('c', $1)", [canary]);
    await listeners.check('select 1', ({ letters, rows }) => {
      expect(rows.length).toBe(1);
      expect(letters).not.toContain('A');
    });
    listeners.close();
  });
});

describe('W22 a target that ends the session', () => {
  it.each(['simple', 'extended', 'console'] satisfies Way[])('W22 by an administrator, sent as %s', async (way) => {
    const own = await EveryWay.open(door, admin());
    const text = `select count(*) as "${way} ended" from generate_series(1, 100000000000)`;
    const running = own.send(way, text);
    await waitUntil(async () => {
      const rows = await door.database.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where query = $1 and pid <> pg_backend_pid()',
        [text],
      );
      return rows.length === 1;
    });
    const { errors } = await running;
    expect(errors[0]?.code).toBe('57P01');
    expect(errors[0]?.message).toBe('terminating connection due to administrator command');
    door.expectNoLeak();
    own.close();
  });
});
