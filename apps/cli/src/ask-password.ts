import { Failure } from './failure.ts';

const ENTER = new Set(['\r', '\n', '\u0004']);
const ERASE = new Set(['\u007f', '\b']);
const CTRL_C = '\u0003';
const CTRL_U = '\u0015';
const MAX_LENGTH = 200;

/** Asks at the terminal and shows nothing of what is typed. */
export async function askPassword(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) throw new Failure('there is no terminal to ask at; give the password in TASKGATE_PASSWORD');
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed = '';
      stdin.on('end', () => reject(new Failure('the terminal went away')));
      stdin.on('data', (chunk: string) => {
        for (const character of chunk) {
          if (character === CTRL_C) return reject(new Failure('not signed in'));
          if (ENTER.has(character)) return resolve(typed);
          if (ERASE.has(character)) typed = [...typed].slice(0, -1).join('');
          else if (character === CTRL_U) typed = '';
          else if (character >= ' ' && typed.length < MAX_LENGTH) typed += character;
        }
      });
    });
  } finally {
    stdin.setRawMode(false);
    stdin.removeAllListeners('data');
    stdin.pause();
    stderr.write('\n');
  }
}
