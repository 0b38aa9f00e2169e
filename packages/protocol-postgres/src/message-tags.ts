const code = (letter: string): number => letter.charCodeAt(0);

/** First byte of each message a client sends ("Message Formats" in the Postgres manual). */
export const FRONTEND_TAG = {
  query: code('Q'),
  parse: code('P'),
  bind: code('B'),
  describe: code('D'),
  execute: code('E'),
  close: code('C'),
  sync: code('S'),
  flush: code('H'),
  copyData: code('d'),
  copyDone: code('c'),
  copyFail: code('f'),
  terminate: code('X'),
  authentication: code('p'),
  functionCall: code('F'),
} as const;

/** First byte of each message a server sends. */
export const BACKEND_TAG = {
  authentication: code('R'),
  backendKey: code('K'),
  parameterStatus: code('S'),
  ready: code('Z'),
  rowDescription: code('T'),
  parameterDescription: code('t'),
  dataRow: code('D'),
  commandComplete: code('C'),
  error: code('E'),
  notice: code('N'),
  parseComplete: code('1'),
  bindComplete: code('2'),
  closeComplete: code('3'),
  noData: code('n'),
  portalSuspended: code('s'),
  emptyQuery: code('I'),
  copyIn: code('G'),
  copyOut: code('H'),
  copyBoth: code('W'),
  copyData: code('d'),
  copyDone: code('c'),
  notification: code('A'),
  negotiateVersion: code('v'),
  functionResult: code('V'),
} as const;

const frontendTags: ReadonlySet<number> = new Set(Object.values(FRONTEND_TAG));
const backendTags: ReadonlySet<number> = new Set(Object.values(BACKEND_TAG));

export function isFrontendTag(tag: number): boolean {
  return frontendTags.has(tag);
}

export function isBackendTag(tag: number): boolean {
  return backendTags.has(tag);
}

/** A tag for a message: `` `Q` `` where it is printable, `0x00` else. */
export function showTag(tag: number): string {
  return tag > 0x20 && tag < 0x7f ? `\`${String.fromCharCode(tag)}\`` : `0x${tag.toString(16).padStart(2, '0')}`;
}
