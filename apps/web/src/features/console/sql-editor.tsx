'use client';
import { acceptCompletion, autocompletion, completionKeymap, completionStatus } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { PostgreSQL, type SQLNamespace, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import { useNonce } from '@/lib/nonce.tsx';
import { statementAt } from './statement-at.ts';

const theme = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'var(--surface)', color: 'var(--ink)' },
  // The frame around it shows the focus: drawn here, the gutter would cover a part of it.
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono, ui-monospace, Menlo, monospace)', lineHeight: '1.55' },
  '.cm-content': { caretColor: 'var(--ink)', padding: '8px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--muted)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--sunken) 60%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--sunken)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'var(--selected)',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--selected)', outline: '1px solid var(--line-strong)' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--ink)', border: '1px solid var(--line)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--selected)', color: 'var(--ink)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-diagnostic': { fontFamily: 'var(--font-sans)', padding: '4px 8px' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--deny)',
    textUnderlineOffset: '3px',
  },
});
const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--allow)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--mask)' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--hold)' },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: 'var(--muted)', fontStyle: 'italic' },
]);

export interface Mark {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface SqlEditorHandle {
  focus(): void;
  replace(text: string): void;
  /** Text to send: the selection, else the statement at the cursor. */
  chosen(): { readonly text: string; readonly offset: number } | null;
  all(): string;
}

export interface SqlEditorProps {
  ref: Ref<SqlEditorHandle>;
  initial: string;
  schema: SQLNamespace;
  marks: readonly Mark[];
  onChange: () => void;
  onRun: () => void;
  onRunAll: () => void;
  /** True where there was something to cancel. */
  onCancel: () => boolean;
  onLeave: () => void;
}

/** CodeMirror over SQL. Tab moves on (F6 too), so the keyboard is never trapped. */
export function SqlEditor({ ref, initial, schema, marks, ...rest }: SqlEditorProps) {
  const nonce = useNonce();
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const language = useRef(new Compartment());
  const handlers = useRef(rest);
  handlers.current = rest;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor owns the text once it is made
  useEffect(() => {
    if (!host.current) return;
    const act = (run: () => void) => () => {
      run();
      return true;
    };
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: initial,
        selection: { anchor: initial.length },
        extensions: [
          EditorView.cspNonce.of(nonce),
          EditorView.contentAttributes.of({ 'aria-label': 'SQL' }),
          lineNumbers(),
          highlightActiveLine(),
          // Look-alike spaces and bidirectional controls are shown, not obeyed.
          highlightSpecialChars(),
          history(),
          drawSelection(),
          bracketMatching(),
          placeholder('select …'),
          language.current.of(sql({ dialect: PostgreSQL, schema, upperCaseKeywords: false })),
          syntaxHighlighting(highlighting),
          autocompletion(),
          Prec.highest(
            keymap.of([
              { key: 'Mod-Shift-Enter', run: act(() => handlers.current.onRunAll()) },
              { key: 'Mod-Enter', run: act(() => handlers.current.onRun()) },
              { key: 'F6', run: act(() => handlers.current.onLeave()) },
              {
                key: 'Escape',
                run: (target) => completionStatus(target.state) === null && handlers.current.onCancel(),
              },
            ]),
          ),
          keymap.of([{ key: 'Tab', run: acceptCompletion }, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          EditorView.lineWrapping,
          EditorView.updateListener.of((update) => {
            if (update.docChanged || update.selectionSet) handlers.current.onChange();
          }),
          theme,
        ],
      }),
    });
    view.current = editor;
    editor.focus();
    handlers.current.onChange();
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    view.current?.dispatch({
      effects: language.current.reconfigure(sql({ dialect: PostgreSQL, schema, upperCaseKeywords: false })),
    });
  }, [schema]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const length = editor.state.doc.length;
    const diagnostics: Diagnostic[] = marks
      .filter((mark) => mark.from <= length)
      .map((mark) => ({
        from: mark.from,
        to: Math.min(Math.max(mark.to, mark.from), length),
        severity: 'error',
        message: mark.message,
      }));
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [marks]);

  useImperativeHandle(ref, () => ({
    focus: () => view.current?.focus(),
    replace: (text) => {
      const editor = view.current;
      editor?.dispatch({
        changes: { from: 0, to: editor.state.doc.length, insert: text },
        selection: { anchor: text.length },
      });
      editor?.focus();
    },
    chosen: () => {
      const state = view.current?.state;
      if (!state) return null;
      const { from, to, empty, head } = state.selection.main;
      const text = state.doc.toString();
      if (!empty) {
        const selected = text.slice(from, to);
        return selected.trim() === '' ? null : { text: selected, offset: from };
      }
      const span = statementAt(text, head);
      return span && { text: text.slice(span.from, span.to), offset: span.from };
    },
    all: () => view.current?.state.doc.toString() ?? '',
  }));

  return (
    <div
      ref={host}
      className="relative h-full focus-within:after:pointer-events-none focus-within:after:absolute focus-within:after:inset-0 focus-within:after:z-20 focus-within:after:outline-2 focus-within:after:outline-focus focus-within:after:-outline-offset-2 min-h-0"
    />
  );
}
