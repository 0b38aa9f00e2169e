'use client';
import { acceptCompletion, autocompletion, type CompletionContext, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { api } from '@/lib/api.ts';
import { useNonce } from '@/lib/nonce.tsx';
import type { ProblemItemView } from '@/lib/views.ts';

const theme = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'transparent', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--editor-font, ui-monospace, Menlo, monospace)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--muted)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--sunken)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'var(--selected)',
  },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--ink)', border: '1px solid var(--line)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--selected)', color: 'var(--ink)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-diagnostic': { fontFamily: 'var(--font-sans)', padding: '4px 8px' },
});
const highlighting = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--allow)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--mask)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--muted)' },
]);

async function complete(context: CompletionContext) {
  if (!context.explicit && !context.matchBefore(/[\w.:-]+ ?$/)) return null;
  try {
    const found = await api.documents.complete({ source: context.state.doc.toString(), offset: context.pos });
    if (found.options.length === 0) return null;
    return {
      from: found.from,
      options: found.options.map(({ label, detail }) => ({ label, ...(detail === undefined ? {} : { detail }) })),
      validFor: /^[\w.-]*$/,
    };
  } catch {
    // Completion is a help; the check says what is wrong.
    return null;
  }
}

function toDiagnostic(state: EditorState, problem: ProblemItemView, severity: 'error' | 'warning'): Diagnostic {
  const line = state.doc.line(Math.min(Math.max(1, problem.position?.line ?? 1), state.doc.lines));
  const from = Math.min(line.from + Math.max(0, (problem.position?.column ?? 1) - 1), line.to);
  const word = /^[^\s,\]}]+/.exec(state.doc.sliceString(from, line.to))?.[0].length ?? 0;
  return { from, to: Math.min(from + Math.max(word, 1), line.to), severity, message: problem.message };
}

export interface YamlEditorProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Ctrl or Cmd with Enter. */
  onSubmit: () => void;
  /** Ctrl Shift Enter. */
  onSimulate: () => void;
  problems: readonly ProblemItemView[];
  warnings: readonly ProblemItemView[];
  /** Moves there when it changes; `at` makes the same line a new wish. */
  goTo: { line: number; at: number } | null;
}

/** CodeMirror over YAML. Escape, then Tab, leaves it: Tab itself indents nothing, so the keyboard is never trapped. */
export function YamlEditor({
  label,
  value,
  onChange,
  onSubmit,
  onSimulate,
  problems,
  warnings,
  goTo,
}: YamlEditorProps) {
  const nonce = useNonce();
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const handlers = useRef({ onChange, onSubmit, onSimulate });
  handlers.current = { onChange, onSubmit, onSimulate };

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor owns the text once it is made
  useEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
          lineNumbers(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          highlightSpecialChars(),
          history(),
          drawSelection(),
          indentUnit.of('  '),
          yaml(),
          syntaxHighlighting(highlighting),
          lintGutter(),
          autocompletion({ override: [complete] }),
          keymap.of([
            {
              key: 'Mod-Shift-Enter',
              run: () => {
                handlers.current.onSimulate();
                return true;
              },
            },
            {
              key: 'Mod-Enter',
              run: () => {
                handlers.current.onSubmit();
                return true;
              },
            },
            { key: 'Tab', run: acceptCompletion },
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            ...lintKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) handlers.current.onChange(update.state.doc.toString());
          }),
          theme,
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    editor.dispatch(
      setDiagnostics(
        editor.state,
        [
          ...problems.map((problem) => toDiagnostic(editor.state, problem, 'error')),
          ...warnings.map((warning) => toDiagnostic(editor.state, warning, 'warning')),
        ].toSorted((a, b) => a.from - b.from),
      ),
    );
  }, [problems, warnings]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || !goTo) return;
    const line = editor.state.doc.line(Math.min(Math.max(1, goTo.line), editor.state.doc.lines));
    editor.dispatch({
      selection: { anchor: line.from },
      effects: EditorView.scrollIntoView(line.from, { y: 'center' }),
    });
    editor.focus();
  }, [goTo]);

  return (
    <div
      ref={host}
      className="h-full min-h-0 rounded-b-lg has-[.cm-focused]:outline-2 has-[.cm-focused]:outline-focus has-[.cm-focused]:-outline-offset-2"
    />
  );
}
