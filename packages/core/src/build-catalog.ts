import {
  CATALOG_FORMAT,
  type CatalogFunction,
  type CatalogRelation,
  type CatalogType,
  type PostgresCatalog,
} from './catalog.ts';

// Catalogs written by hand, for tests: what is not given is the plainest there is.

export function buildCatalog(given: Partial<PostgresCatalog>): PostgresCatalog {
  return {
    version: 'built',
    format: CATALOG_FORMAT,
    serverVersion: 180_004,
    database: 'shop',
    searchPath: ['public'],
    schemas: [],
    publicPrivileges: [],
    relations: [],
    systemRelations: [],
    functions: [],
    builtinFunctionNames: [],
    builtinFunctions: [],
    operators: [],
    types: [],
    casts: [],
    ...given,
  };
}

/** A table whose columns are of the types given by name. */
export function buildRelation(
  given: Partial<Omit<CatalogRelation, 'columns'>> & {
    readonly name: string;
    readonly columns?: Readonly<Record<string, string>>;
  },
): CatalogRelation {
  const oids: Readonly<Record<string, number>> = { integer: 23, text: 25, 'timestamp with time zone': 1184 };
  const { columns = {}, ...rest } = given;
  return {
    oid: 16_400,
    schema: 'public',
    kind: typeof given.definition === 'string' ? 'view' : 'table',
    owner: 'owner',
    columns: Object.entries(columns).map(([name, typeName], index) => ({
      name,
      attnum: index + 1,
      typeOid: oids[typeName] ?? 25,
      typeName,
      default: null,
      generatedFrom: [],
    })),
    definition: null,
    securityInvoker: false,
    securityBarrier: false,
    parents: [],
    isPartition: false,
    rowSecurity: false,
    triggers: [],
    rules: [],
    foreignKeys: [],
    writeFunctions: [],
    policyFunctions: [],
    publicPrivileges: [],
    ...rest,
  };
}

/** A volatile SQL function without arguments. */
export function buildFunction(given: Partial<CatalogFunction> & { readonly name: string }): CatalogFunction {
  return {
    oid: 16_900,
    schema: 'public',
    kind: 'function',
    arguments: [],
    argumentNames: [],
    variadic: false,
    defaults: 0,
    result: 'integer',
    returnsSet: false,
    outputs: [],
    volatility: 'volatile',
    securityDefiner: false,
    leakproof: false,
    language: 'sql',
    owner: 'owner',
    publicExecute: true,
    extension: null,
    ...given,
  };
}

export function buildType(given: Partial<CatalogType> & { readonly name: string }): CatalogType {
  return {
    oid: 16_800,
    schema: 'public',
    printed: `public.${given.name}`,
    kind: 'enum',
    base: null,
    fields: [],
    functions: [],
    ...given,
  };
}
