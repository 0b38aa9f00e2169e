import { BlockList, isIP } from 'node:net';

const block = (v4: readonly (readonly [string, number])[], v6: readonly (readonly [string, number])[]): BlockList => {
  const list = new BlockList();
  for (const [net, prefix] of v4) list.addSubnet(net, prefix, 'ipv4');
  for (const [net, prefix] of v6) list.addSubnet(net, prefix, 'ipv6');
  return list;
};

const LOOPBACK = block([['127.0.0.0', 8]], [['::1', 128]]);
/** Where clouds keep their credentials, and what no server has (RFC 6890, IANA special-purpose registries). */
const NEVER = block(
  [
    ['0.0.0.0', 8],
    ['169.254.0.0', 16],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ],
  [
    ['::', 128],
    ['fe80::', 10],
    ['ff00::', 8],
    ['2001:db8::', 32],
    ['fd00:ec2::254', 128],
  ],
);
const PRIVATE = block(
  [
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
  ],
  [
    ['fc00::', 7],
    ['64:ff9b::', 96],
    ['64:ff9b:1::', 48],
    ['2002::', 16],
    ['2001::', 32],
  ],
);

/** What is special about an address; `null`: it is public. An IPv4 address in IPv6's clothes is judged as what it is. */
export function addressKind(address: string): 'loopback' | 'private' | 'never' | null {
  const bare = address.split('%')[0]!;
  const family = isIP(bare);
  if (family === 0) return 'never';
  const type = family === 4 ? 'ipv4' : 'ipv6';
  // BlockList compares IPv4-mapped IPv6 addresses with the IPv4 ranges by itself.
  if (NEVER.check(bare, type)) return 'never';
  if (LOOPBACK.check(bare, type)) return 'loopback';
  return PRIVATE.check(bare, type) ? 'private' : null;
}
