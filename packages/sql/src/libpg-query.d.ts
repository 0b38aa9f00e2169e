// The factory that the package itself uses: needed to replace an instance that a deep text broke.
declare module 'libpg-query-15/wasm/libpg-query.js' {
  const createParserModule: () => Promise<unknown>;
  export default createParserModule;
}
declare module 'libpg-query-16/wasm/libpg-query.js' {
  const createParserModule: () => Promise<unknown>;
  export default createParserModule;
}
declare module 'libpg-query-17/wasm/libpg-query.js' {
  const createParserModule: () => Promise<unknown>;
  export default createParserModule;
}
declare module 'libpg-query-18/wasm/libpg-query.js' {
  const createParserModule: () => Promise<unknown>;
  export default createParserModule;
}
