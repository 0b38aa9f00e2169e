// A small agent: it acts for whoever has a grant of `sales-report`, never with more than each step needs.
//
//   TASKGATE_URL        where Taskgate is
//   SUBJECT_TOKEN       the token of the grant that a person (or a job) gave it the work under
//   AGENT_TOKEN         what the agent proves itself with: its own API token, or a JWT of its issuer
//
// It needs nothing but Node and psql. Each step is a grant of its own, named in every record as "agent for person".
import { execFileSync } from 'node:child_process';

const { TASKGATE_URL, SUBJECT_TOKEN, AGENT_TOKEN } = process.env;
const TYPE = 'urn:ietf:params:oauth:token-type:';

/** A grant for one step: RFC 8693, the person's grant as subject, the agent as actor. */
async function grantFor(reason, narrow) {
  const response = await fetch(`${TASKGATE_URL}/api/v1/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: SUBJECT_TOKEN,
      subject_token_type: `${TYPE}access_token`,
      actor_token: AGENT_TOKEN,
      actor_token_type: AGENT_TOKEN.split('.').length === 3 ? `${TYPE}jwt` : `${TYPE}access_token`,
      narrow: JSON.stringify(narrow),
      reason,
      ttl: '120',
    }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.error}: ${answer.error_description}`);
  return answer;
}

/** Runs one statement under a grant that is made for it and ended with it. */
async function step(reason, narrow, sql) {
  const { access_token: token, grant_id: id, connect } = await grantFor(reason, narrow);
  let outcome = 'failed';
  try {
    const rows = execFileSync('psql', ['-XAt', '-d', connect.uri, '-c', sql], {
      env: { ...process.env, PGPASSWORD: token },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
    outcome = 'completed';
    return rows;
  } finally {
    await fetch(`${TASKGATE_URL}/api/v1/grants/${id}/end`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ outcome }),
    });
  }
}

const orders = { allow: [{ select: 'public.orders', columns: ['id', 'status'] }], limits: { rows: 10 } };
console.log(await step('count the open orders', orders, `select count(*) from orders where status <> 'delivered'`));

const customers = { allow: [{ select: 'public.customers', columns: ['id', 'country'] }], limits: { rows: 50 } };
console.log(
  await step(
    'where customers live',
    customers,
    'select country, count(*) from customers group by 1 order by 2 desc limit 3',
  ),
);

// More than the person has is refused, and the answer says what is wider.
const tooMuch = { allow: [{ select: 'public.customers', columns: ['id', 'ssn'] }] };
console.log(await grantFor('curiosity', tooMuch).catch((error) => error.message));
