/** Each level is walked again by the one around it. */
const nestedRecursion = (depth: number): string =>
  depth === 0
    ? 'a as (select 1 union all select 1)'
    : `r${depth} as (with recursive ${nestedRecursion(depth - 1)} select 1 union all select 1 from r${depth})`;

/** As deep as the limits let through: short, and more than 100 ms of analysis. */
export const COSTLY_TEXT = `with recursive ${nestedRecursion(13)} select 1`;

/** Some 12 s of analysis, within every limit on its size. */
export const ENDLESS_TEXT = `${COSTLY_TEXT};`.repeat(100);
