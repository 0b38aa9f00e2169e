import { describe, expect, it } from 'vitest';
import { demoShopData } from './demo-shop-data.ts';

describe('demoShopData', () => {
  const data = demoShopData();

  it('is the same every time, and as large as promised', () => {
    expect(demoShopData()).toEqual(data);
    expect([data.customers.length, data.orders.length]).toEqual([1000, 5000]);
  });

  it('holds card numbers that pass the Luhn check, and values shaped as the real ones', () => {
    for (const { card_number } of data.payments) expect(luhn(card_number)).toBe(true);
    for (const { ssn } of data.customers) expect(ssn).toMatch(/^\d{3}-\d{2}-\d{4}$/);
    for (const { email } of data.customers) expect(email).toMatch(/^[a-z.]+\d+@example\.(com|org|net)$/);
  });

  it('adds up: totals are those of the items, payments those of the orders, and nothing is before its cause', () => {
    const totals = new Map<number, number>();
    for (const item of data.order_items)
      totals.set(item.order_id, (totals.get(item.order_id) ?? 0) + item.quantity * item.price_cents);
    const orders = new Map(data.orders.map((order) => [order.id, order]));
    for (const order of data.orders) {
      expect(order.total_cents).toBe(totals.get(order.id));
      expect(order.created_at >= data.customers[order.customer_id - 1]!.created_at).toBe(true);
    }
    for (const payment of data.payments) {
      expect(payment.amount_cents).toBe(orders.get(payment.order_id)?.total_cents);
      expect(payment.paid_at > orders.get(payment.order_id)!.created_at).toBe(true);
    }
  });
});

function luhn(number: string): boolean {
  const sum = [...number].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
