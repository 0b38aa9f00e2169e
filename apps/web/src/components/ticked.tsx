/** Text with `names` in backticks set as code. */
export function Ticked({ text }: { text: string }) {
  return text.split('`').map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one immutable text
      <code key={index} className="wrap-anywhere rounded-sm bg-sunken px-1 font-mono text-[0.93em]">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
