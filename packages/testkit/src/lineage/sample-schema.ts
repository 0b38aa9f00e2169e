import { createHash } from 'node:crypto';

/** A type as the query generator knows it. */
export type SampleType =
  | 'int'
  | 'text'
  | 'numeric'
  | 'date'
  | 'timestamptz'
  | 'jsonb'
  | 'texts'
  | 'uuid'
  | 'bytea'
  | 'mood'
  | 'address';

export interface SampleColumn {
  readonly name: string;
  readonly type: SampleType;
  /** Holds canaries: values that no client may see. */
  readonly masked: boolean;
}

export interface SampleRelation {
  readonly name: string;
  readonly kind: 'table' | 'view';
  readonly columns: readonly SampleColumn[];
}

const column = (text: string): SampleColumn => {
  const [name = '', type = 'text'] = text.replace('*', '').split(':');
  return { name, type: type as SampleType, masked: text.endsWith('*') };
};
const relation = (kind: SampleRelation['kind'], name: string, columns: string): SampleRelation => ({
  name,
  kind,
  columns: columns.split(' ').map(column),
});

/** Columns as `name:type`, with a `*` where they hold canaries. */
export const SAMPLE_TABLES: readonly SampleRelation[] = [
  relation(
    'table',
    'people',
    'id:int name:text mail:text* phone:text* ssn:text* country:text born:date* balance:numeric* profile:jsonb* tags:texts* token:uuid* boss:int seen:timestamptz feeling:mood',
  ),
  relation('table', 'orders', 'id:int person:int status:text total:int note:text* placed:timestamptz'),
  relation('table', 'items', 'id:int order_id:int sku:text quantity:int price:numeric serial:bytea*'),
  relation('table', 'payments', 'id:int order_id:int card:text* amount:int region:text'),
  relation('table', 'payments_eu', 'id:int order_id:int card:text* amount:int region:text'),
  relation('table', 'payments_us', 'id:int order_id:int card:text* amount:int region:text'),
  relation('table', 'animals', 'id:int name:text chip:text*'),
  relation('table', 'dogs', 'id:int name:text chip:text* breed:text vet:text*'),
  relation('table', 'homes', 'id:int person:int place:address*'),
];

export const SAMPLE_VIEWS: readonly SampleRelation[] = [
  relation('view', 'safe_people', 'id:int name:text country:text'),
  relation('view', 'contacts', 'id:int reach:text* land:text'),
  relation('view', 'contacts_again', 'again:text* id:int'),
  relation('view', 'guarded', 'id:int name:text secret:text*'),
  relation('view', 'by_country', 'country:text people:int top:numeric*'),
  relation('view', 'labels', 'id:int label:text*'),
  relation('view', 'everything', 'id:int v:text*'),
  relation('view', 'chain', 'id:int depth:int path:text'),
  relation('view', 'joined', 'id:int status:text mail:text* card:text*'),
  relation('view', 'latest', 'person:int note:text* place_in_line:int'),
  relation('view', 'kept', 'id:int mail:text*'),
  relation('view', 'as_json', 'id:int body:jsonb*'),
];

export const SAMPLE_RELATIONS: readonly SampleRelation[] = [...SAMPLE_TABLES, ...SAMPLE_VIEWS];

/** Names are not qualified: run it with the search_path set to the schema in which it is wanted. */
export const SAMPLE_SCHEMA = `
  create type mood as enum ('calm', 'cross');
  create type address as (street text, zip text);
  create table people (id int primary key, name text, mail text, phone varchar(40), ssn text, country text, born date,
    balance numeric(14,2), profile jsonb, tags text[], token uuid, boss int, seen timestamptz, feeling mood);
  create table orders (id int primary key, person int, status text, total int, note text, placed timestamptz);
  create table items (id int primary key, order_id int, sku text, quantity int, price numeric, serial bytea);
  create table payments (id int, order_id int, card text, amount int, region text) partition by list (region);
  create table payments_eu partition of payments for values in ('eu');
  create table payments_us partition of payments for values in ('us');
  create table animals (id int, name text, chip text);
  create table dogs (breed text, vet text) inherits (animals);
  create table homes (id int primary key, person int, place address);
  create unique index people_ssn on people (ssn);
  alter table people add constraint sane_name check (name <> 'x');
  alter table orders alter status set not null, add constraint sane_note check (note <> status);

  create view safe_people as select id, name, country from people;
  create view contacts (id, reach, land) as select p.id, p.mail, p.country from people p where p.country <> 'xx';
  create view contacts_again as select reach as again, id from contacts;
  create view guarded with (security_barrier) as select id, name, ssn as secret from people where id > 0;
  create view by_country as select country, count(*)::int as people, max(balance) as top from people group by country;
  create view labels as select id, name || ' ' || ssn as label from people;
  create view everything as select id, mail as v from people union all select id, card from payments;
  create view chain as with recursive up(id, depth, path) as (select id, 0, name from people where boss is null
    union all select p.id, up.depth + 1, up.path || '/' || p.name from people p join up on p.boss = up.id)
    select id, depth, path from up;
  create view joined as select o.id, o.status, p.mail, y.card
    from orders o join people p on p.id = o.person left join payments y on y.order_id = o.id;
  create view latest as select person, note, row_number() over (partition by person order by placed, id)::int as place_in_line
    from orders;
  create materialized view kept as select id, mail from people with no data;
  create view as_json as select p.id, to_jsonb(p) as body from people p;
`;

const PEOPLE = 6;
const ORDERS = 8;

/** Hex digits that follow from the words alone. */
export const digestOf = (...words: readonly (string | number)[]): string =>
  createHash('sha256').update(words.join('|')).digest('hex');

const decimal = (hex: string, digits: number): string => BigInt(`0x${hex}`).toString().slice(-digits);

/** The texts of one masked cell that a search can know it by, whatever the form in which it is printed. */
export interface Canary {
  readonly relation: string;
  readonly column: string;
  readonly texts: readonly string[];
}

export interface SampleRows {
  /** Inserts for {@link SAMPLE_SCHEMA}, in its search_path. */
  readonly sql: string;
  readonly canaries: readonly Canary[];
}

/**
 * The sample's rows. Every masked cell has a value of its own that follows from `salt`; nothing else in the rows does, not
 * even which cells are null: two databases with different salts differ in the masked cells alone.
 */
export function sampleRows(salt: string): SampleRows {
  const canaries: Canary[] = [];
  const statements: string[] = [];
  const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const insert = (table: string, values: readonly string[]): void => {
    statements.push(`insert into ${table} values (${values.join(', ')});`);
  };
  const cell = (table: string, name: string, row: number, type: SampleType): string => {
    if ((row + name.length) % 7 === 0) return 'null';
    const hex = digestOf(salt, table, name, row);
    const word = `q${hex.slice(0, 15)}`;
    const keep = (sql: string, ...texts: readonly string[]): string => {
      canaries.push({ relation: table, column: name, texts });
      return sql;
    };
    switch (type) {
      case 'numeric': {
        const digits = `7${decimal(hex, 9)}`;
        return keep(`${digits}.25`, digits);
      }
      case 'date': {
        // Years that nothing else here has, so that the value is known by its text.
        const year = 2100 + (Number.parseInt(hex.slice(0, 4), 16) % 900);
        const month = 1 + (Number.parseInt(hex.slice(4, 6), 16) % 12);
        const day = 1 + (Number.parseInt(hex.slice(6, 8), 16) % 28);
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        return keep(quote(text), text);
      }
      case 'jsonb':
        return keep(quote(JSON.stringify({ k: word, n: 1, list: ['x'] })), word);
      case 'texts':
        return keep(`array[${quote(word)}, 'x']`, word);
      case 'uuid': {
        const text = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
        return keep(quote(text), text, text.replaceAll('-', ''));
      }
      case 'bytea':
        return keep(`convert_to(${quote(word)}, 'UTF8')`, word);
      case 'address':
        return keep(`row(${quote(word)}, 'zip')::address`, word);
      default: {
        if (name === 'mail') return keep(quote(`${word}@example.com`), word);
        if (name !== 'ssn' && name !== 'card' && name !== 'phone') return keep(quote(word), word);
        const digits = `8${decimal(hex, 14)}`;
        const dashed = `${digits.slice(0, 4)}-${digits.slice(4, 9)}-${digits.slice(9)}`;
        return keep(quote(dashed), dashed, digits);
      }
    }
  };
  const countries = ['nl', 'de', 'nl', 'xx', 'fr', 'de'];
  for (let i = 1; i <= PEOPLE; i += 1) {
    insert('people', [
      String(i),
      i === 5 ? 'null' : quote(`Name ${i % 4}`),
      cell('people', 'mail', i, 'text'),
      cell('people', 'phone', i, 'text'),
      cell('people', 'ssn', i, 'text'),
      quote(countries[i - 1] ?? 'nl'),
      cell('people', 'born', i, 'date'),
      cell('people', 'balance', i, 'numeric'),
      cell('people', 'profile', i, 'jsonb'),
      cell('people', 'tags', i, 'texts'),
      cell('people', 'token', i, 'uuid'),
      i < 3 ? 'null' : String(i - 2),
      quote(`2026-01-0${i} 10:00:00+00`),
      quote(i % 2 === 0 ? 'calm' : 'cross'),
    ]);
  }
  for (let i = 1; i <= ORDERS; i += 1) {
    const status = quote(i % 3 === 0 ? 'open' : 'paid');
    const placed = quote(`2026-02-0${1 + (i % 5)} 12:00:00+00`);
    insert('orders', [
      String(i),
      String(1 + (i % PEOPLE)),
      status,
      String(i * 100),
      cell('orders', 'note', i, 'text'),
      placed,
    ]);
    const serial = cell('items', 'serial', i, 'bytea');
    insert('items', [String(i), String(1 + (i % ORDERS)), quote(`sku${i % 3}`), String(i % 4), `${i}.50`, serial]);
    const region = quote(i % 2 === 0 ? 'eu' : 'us');
    const amount = String(i * 10);
    insert('payments', [String(i), String(i), cell('payments', 'card', i, 'text'), amount, region]);
  }
  for (let i = 1; i <= 3; i += 1) {
    insert('animals', [String(i), quote(`Pet ${i}`), cell('animals', 'chip', i, 'text')]);
    insert('dogs', [
      String(10 + i),
      quote(`Dog ${i}`),
      cell('dogs', 'chip', i, 'text'),
      quote(i === 1 ? 'pug' : 'boxer'),
      cell('dogs', 'vet', i, 'text'),
    ]);
    insert('homes', [String(i), String(i), cell('homes', 'place', i, 'address')]);
  }
  return { sql: `${statements.join('\n')}\nrefresh materialized view kept;`, canaries };
}
