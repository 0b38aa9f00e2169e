import { compilePolicySet, decide, parseTask, withoutText } from '@taskgate/policy';
import { sqlAnalyzer } from '@taskgate/sql';
import { expect, it } from 'vitest';
import { SHOP_CATALOG } from '../testing/record-statements.ts';

const SECRET = 'swordfish';
const STATEMENTS = [
  `select id from orders where status = '${SECRET}'`,
  `select '${SECRET}' || name from customers`,
  `update orders set status = '${SECRET}' where id = 1 returning status`,
  `insert into orders (id, status) values (1, $$${SECRET}$$)`,
  `prepare p as select ssn from customers where name = '${SECRET}'`,
  `declare c cursor for select email from customers where name = '${SECRET}'`,
  `set application_name = '${SECRET}'`,
  `set local search_path = ${SECRET}`,
  `copy (select name from customers where name = '${SECRET}') to stdout`,
  `explain select id from orders where status = '${SECRET}'`,
  `with a as (select id from orders where status = '${SECRET}') delete from orders using a where a.id = orders.id`,
  `merge into orders o using customers c on o.id = 1 when matched then update set status = '${SECRET}'`,
  `select pg_read_file('${SECRET}')`,
  `create table t as select '${SECRET}' as x from customers`,
  `select nope from orders where status = '${SECRET}'`,
  `drop table orders`,
  `notify a, '${SECRET}'`,
];

const TASKS = [
  "allow: [{ statements: '*' }]\nmask: [{ columns: public.customers.*, as: hash }]",
  "allow: [{ select: '*' }]\nhold: [{ update: '*', approvals: { from: [dba] }, affects: { max: 1 } }]",
  'allow: [{ select: public.orders, columns: [id] }]\ndeny: [{ functions: pg_catalog.pg_read_file }]',
];

it('what is kept of a statement holds none of its words, and decides the same', async () => {
  const analyzer = await sqlAnalyzer(SHOP_CATALOG.serverVersion);
  const operations = STATEMENTS.flatMap((statement) => analyzer.analyze(statement, SHOP_CATALOG));
  expect(operations).toHaveLength(STATEMENTS.length);
  for (const rules of TASKS) {
    const parsed = parseTask(`kind: Task\nname: t\npurpose: p\nresource: r\n${rules}`);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const set = compilePolicySet({
      task: { name: 't', revision: 1, document: parsed.document },
      policies: [],
      resource: { name: 'r', labels: {} },
      catalog: SHOP_CATALOG,
    });
    for (const operation of operations) {
      const kept = JSON.stringify(withoutText(operation));
      expect(kept).not.toContain(SECRET);
      // As it comes back from the store.
      expect(decide(JSON.parse(kept), set), operation.text).toEqual(decide(operation, set));
    }
  }
});
