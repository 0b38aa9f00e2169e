const CUSTOMERS = 1000;
const ORDERS = 5000;
const DAY_MS = 86_400_000;
const OPENED_AT = Date.UTC(2024, 0, 8);
const CLOSED_AT = Date.UTC(2026, 5, 30);

export interface DemoCustomer {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  readonly ssn: string;
  readonly country: string;
  readonly created_at: string;
}

export interface DemoOrder {
  readonly id: number;
  readonly customer_id: number;
  readonly status: string;
  readonly total_cents: number;
  readonly created_at: string;
}

export interface DemoOrderItem {
  readonly id: number;
  readonly order_id: number;
  readonly sku: string;
  readonly quantity: number;
  readonly price_cents: number;
}

export interface DemoPayment {
  readonly id: number;
  readonly order_id: number;
  readonly card_number: string;
  readonly amount_cents: number;
  readonly paid_at: string;
}

/** Rows by table, in an order that satisfies the foreign keys. */
export interface DemoShopData {
  readonly customers: readonly DemoCustomer[];
  readonly orders: readonly DemoOrder[];
  readonly order_items: readonly DemoOrderItem[];
  readonly payments: readonly DemoPayment[];
}

const FIRST_NAMES =
  'Amelia Noah Olivia Liam Mia Lucas Emma Mateo Sofia Leo Hanna Jonas Freya Oscar Ines Hugo Clara Arjun Priya Kenji Yuki Wei Mei Ana Diego Lucia Pablo Elena Marco Giulia Pierre Camille Lena Felix Nora Elias Zoe Adam Leila Omar Fatima Kofi Ama Tunde Zainab Erik Astrid Jan Katarzyna Piotr'.split(
    ' ',
  );
const LAST_NAMES =
  'Smith Johnson Garcia Martinez Lopez Brown Davis Miller Wilson Moore Taylor Anderson Thomas Jackson White Harris Clark Lewis Young Walker Schmidt Weber Fischer Wagner Becker Rossi Ferrari Bianchi Dubois Laurent Moreau Silva Santos Costa Tanaka Suzuki Sato Chen Wang Li Patel Sharma Singh Khan Nguyen Kim Park Okafor Mensah Nowak Kowalski Larsen Hansen Novak Horvat'.split(
    ' ',
  );
const COUNTRIES = [
  'US',
  'US',
  'US',
  'US',
  'DE',
  'DE',
  'FR',
  'GB',
  'GB',
  'ES',
  'IT',
  'NL',
  'SE',
  'PL',
  'JP',
  'IN',
  'BR',
];
const AREA_CODES = ['206', '212', '303', '312', '404', '415', '512', '617', '702', '818'];
const EMAIL_DOMAINS = ['example.com', 'example.org', 'example.net'];
/** Weighted by repetition. */
const STATUSES = [
  'delivered',
  'delivered',
  'delivered',
  'delivered',
  'shipped',
  'paid',
  'pending',
  'cancelled',
  'refunded',
];
const UNPAID = new Set(['pending', 'cancelled']);
const PRODUCTS = [
  ...['TEA-GREEN-100', 'TEA-BLACK-250', 'MUG-WHITE', 'MUG-BLUE', 'KETTLE-1L', 'FILTER-50', 'BEANS-1KG', 'GRINDER-S'],
  ...['LAMP-DESK', 'LAMP-FLOOR', 'NOTEBOOK-A5', 'NOTEBOOK-A4', 'PEN-GEL-12', 'BAG-CANVAS', 'CUSHION-45', 'THROW-WOOL'],
].map((sku, index) => ({ sku, price_cents: 390 + ((index * 1777) % 9600) }));
/** Prefixes of card schemes' test numbers: no bank has issued them. */
const CARD_PREFIXES = ['424242', '400000', '555555', '222300'];

/** The same rows at every call: a seeded generator, fixed dates. */
export function demoShopData(): DemoShopData {
  const random = seededRandom(20_260_601);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const instant = (from: number, to: number): number => Math.floor((from + random() * (to - from)) / 1000) * 1000;
  const text = (at: number): string => new Date(at).toISOString();

  const joinedAt: number[] = [];
  const customers = Array.from({ length: CUSTOMERS }, (_, index): DemoCustomer => {
    const id = index + 1;
    const first = pick(FIRST_NAMES);
    const last = pick(LAST_NAMES);
    const at = instant(OPENED_AT, CLOSED_AT - 60 * DAY_MS);
    joinedAt.push(at);
    return {
      id,
      name: `${first} ${last}`,
      email: `${first}.${last}${id}@${pick(EMAIL_DOMAINS)}`.toLowerCase(),
      phone: `+1-${pick(AREA_CODES)}-555-01${String(below(100)).padStart(2, '0')}`, // numbers kept free for fiction
      ssn: socialSecurityNumber(below),
      country: pick(COUNTRIES),
      created_at: text(at),
    };
  });

  const orders: DemoOrder[] = [];
  const items: DemoOrderItem[] = [];
  const payments: DemoPayment[] = [];
  const cards = new Map<number, string>();
  for (let id = 1; id <= ORDERS; id++) {
    const customer = 1 + below(CUSTOMERS);
    const at = instant(joinedAt[customer - 1]!, CLOSED_AT);
    const status = pick(STATUSES);
    let total = 0;
    for (let line = 1 + below(4); line > 0; line--) {
      const { sku, price_cents } = pick(PRODUCTS);
      const quantity = 1 + below(3);
      total += quantity * price_cents;
      items.push({ id: items.length + 1, order_id: id, sku, quantity, price_cents });
    }
    orders.push({ id, customer_id: customer, status, total_cents: total, created_at: text(at) });
    if (UNPAID.has(status)) continue;
    const card = cards.get(customer) ?? cardNumber(pick(CARD_PREFIXES), below);
    cards.set(customer, card);
    const paidAt = text(at + 60_000 + below(DAY_MS / 1000) * 1000);
    payments.push({ id: payments.length + 1, order_id: id, card_number: card, amount_cents: total, paid_at: paidAt });
  }
  return { customers, orders, order_items: items, payments };
}

/** Shaped as the real ones: area 001 to 665, group 01 to 99, serial 0001 to 9999. */
function socialSecurityNumber(below: (limit: number) => number): string {
  const part = (limit: number, width: number): string => String(1 + below(limit)).padStart(width, '0');
  return `${part(665, 3)}-${part(99, 2)}-${part(9999, 4)}`;
}

/** 16 digits, the last of them the Luhn check digit (ISO/IEC 7812-1 annex B). */
function cardNumber(prefix: string, below: (limit: number) => number): string {
  let digits = prefix;
  while (digits.length < 15) digits += below(10);
  let sum = 0;
  for (const [index, digit] of [...digits].entries()) {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return digits + ((10 - (sum % 10)) % 10);
}

/** mulberry32: enough for demo data, and the same everywhere. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
