import type { CatalogFunction, FunctionCandidate } from '@taskgate/core';
import type { CatalogIndex } from './catalog-index.ts';
import { isHarmlessFunction } from './functions-allowed.ts';
import { isHarmlessExtensionFunction } from './harmless-extensions.ts';
import { cannotCoerce } from './type-name.ts';

/** What a call says of itself before it is resolved. */
export interface CallShape {
  /** `null`: looked up along the search path, `pg_catalog` first. */
  readonly schema: string | null;
  readonly name: string;
  /** Type of each argument, positional ones first; `null` where it is not known. */
  readonly types: readonly (string | null)[];
  /** Names of the last arguments, for `name => value`. */
  readonly argumentNames: readonly string[];
  /** `variadic` stands before the last argument. */
  readonly spread: boolean;
}

/** A function with the types that it would take at the places of a call. */
interface Fit {
  readonly fn: CatalogFunction;
  readonly types: readonly string[];
  /** No argument filled from a default, none gathered into an array. */
  readonly plain: boolean;
}

/**
 * Every function that the server could choose for a call: as FuncnameGetCandidates and func_get_detail of its
 * namespace.c and parse_func.c, but where an argument's type is not known, or two could do, all of them.
 */
export function functionCandidates(
  catalog: CatalogIndex,
  searchPath: readonly string[],
  call: CallShape,
): readonly FunctionCandidate[] {
  const path =
    call.schema === null ? ['pg_catalog', ...searchPath.filter((one) => one !== 'pg_catalog')] : [call.schema];
  const named = catalog.functionsNamed(call.name).filter((fn) => path.includes(fn.schema));
  // The catalog keeps signatures of built-in functions only where another one shares their name.
  if (named.every((fn) => fn.schema === 'pg_catalog')) return [unsigned(call)];
  const fits = named.flatMap((fn) => fitOf(fn, call) ?? []);
  const possible = withoutHidden(fits, path).filter(({ types }) =>
    call.types.every((type, index) => !cannotCoerce(catalog, type, types[index]!)),
  );
  const exact = possible.filter(({ types }) => call.types.every((type, index) => type === types[index]));
  // The server looks for equal types before it converts any; of equals the first of the path hides the others.
  const chosen = exact.length > 0 && call.types.every((type) => type !== null) ? firstOf(exact, path) : possible;
  // A call that fits nothing fails at the server, or the catalog is out of date: then all of the name count.
  const found = chosen.length > 0 ? chosen.map(({ fn }) => fn) : named;
  return [...new Set(found)].map(candidateOf);
}

/** One that takes the same arguments as another before it in the path is not seen. */
function withoutHidden(fits: readonly Fit[], path: readonly string[]): readonly Fit[] {
  return fits.filter(
    (fit) =>
      !fits.some(
        (other) =>
          other.plain &&
          fit.plain &&
          path.indexOf(other.fn.schema) < path.indexOf(fit.fn.schema) &&
          other.types.join() === fit.types.join(),
      ),
  );
}

/** Where all have the same types: the server takes the first in the path, and the plain one before a gathering one. */
function firstOf(fits: readonly Fit[], path: readonly string[]): readonly Fit[] {
  const first = Math.min(...fits.map(({ fn }) => path.indexOf(fn.schema)));
  const nearest = fits.filter(({ fn }) => path.indexOf(fn.schema) === first);
  const plain = nearest.filter((fit) => fit.plain);
  return plain.length === 1 && nearest.length === fits.length ? plain : fits.every((fit) => fit.plain) ? nearest : fits;
}

/** The types at the places of the call, or `null` where the function does not take so many or such names. */
function fitOf(fn: CatalogFunction, call: CallShape): Fit | null {
  const { types, argumentNames } = call;
  const given = types.length;
  const wanted = fn.arguments.length;
  if (argumentNames.length > 0) return fitByName(fn, call);
  // With `variadic` in the call nothing is gathered, and the server takes functions that are not variadic too.
  if (!call.spread && fn.variadic && given >= wanted && wanted > 0) {
    const array = fn.arguments.at(-1)!;
    const element = array.replace(/\[\]$/, '');
    const rest = Array.from({ length: given - wanted + 1 }, () => (array === 'anyarray' ? 'anyelement' : element));
    return { fn, types: [...fn.arguments.slice(0, -1), ...rest], plain: false };
  }
  if (given > wanted || given + fn.defaults < wanted) return null;
  return { fn, types: fn.arguments.slice(0, given), plain: given === wanted && !call.spread };
}

function fitByName(fn: CatalogFunction, call: CallShape): Fit | null {
  const given = call.types.length;
  const positional = given - call.argumentNames.length;
  const wanted = fn.arguments.length;
  if (given > wanted) return null;
  const places = call.argumentNames.map((name) => fn.argumentNames.indexOf(name));
  if (places.some((place) => place < positional)) return null;
  const filled = new Set([...Array.from({ length: positional }, (_, index) => index), ...places]);
  for (let place = 0; place < wanted - fn.defaults; place += 1) if (!filled.has(place)) return null;
  const types = [...fn.arguments.slice(0, positional), ...places.map((place) => fn.arguments[place]!)];
  return { fn, types, plain: false };
}

/** A built-in function of which only the name is known, or one that the catalog does not have. */
function unsigned(call: CallShape): FunctionCandidate {
  const schema = call.schema ?? 'pg_catalog';
  const { name } = call;
  return { oid: null, schema, name, arguments: null, harmless: isHarmlessFunction(schema, name), guarded: false };
}

export function candidateOf(fn: CatalogFunction): FunctionCandidate {
  const { oid, schema, name } = fn;
  const builtin = schema === 'pg_catalog' || schema === 'information_schema';
  return {
    oid,
    schema,
    name,
    arguments: fn.arguments,
    harmless: builtin ? isHarmlessFunction(schema, name) : isHarmlessExtensionFunction(fn),
    guarded: !builtin && (fn.volatility === 'volatile' || fn.securityDefiner),
  };
}
