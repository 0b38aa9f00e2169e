'use client';
import clsx from 'clsx';
import { X } from 'lucide-react';
import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react';
import { Button } from './button.tsx';

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  children: ReactNode;
  /** Buttons at the foot, the one that acts last. */
  footer?: ReactNode;
  wide?: boolean;
  /** What it shows cannot be shown again: no Escape and no click beside it closes it. */
  lasting?: boolean;
}

/**
 * The browser's own modal dialog: it traps focus, makes the rest inert, closes on Escape and gives focus back to who
 * opened it. The content is unmounted when closed, so nothing in it outlives it.
 */
function ModalFrame({
  open,
  onClose,
  title,
  description,
  children,
  footer,
  shape,
  lasting = false,
}: DialogProps & { shape: string }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (open && !dialog.open) {
      dialog.showModal();
      // The browser takes the first button, which closes it; what it was opened for is the first field that is seen.
      const first = lasting ? 'button' : ':is(input:not([type="hidden"], [hidden]), select, textarea)';
      dialog.querySelector<HTMLElement>(`[data-dialog-body] ${first}`)?.focus({ preventScroll: true });
    }
    if (!open && dialog.open) dialog.close();
  }, [open, lasting]);
  // Taken out of the page while it is open, it would leave the focus nowhere.
  useLayoutEffect(() => {
    const dialog = ref.current;
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; the click is on the backdrop
    <dialog
      ref={ref}
      aria-labelledby={id}
      // React hands both on to the dialog around this one, which stays as it is.
      onClose={(event) => {
        if (event.target === ref.current && !ref.current.open) onClose();
      }}
      onCancel={(event) => {
        if (event.target !== ref.current) return;
        event.preventDefault();
        if (!lasting) onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current && !lasting) onClose();
      }}
      className={clsx('border border-line bg-raised p-0 text-ink shadow-pop', shape)}
    >
      {open && (
        <div className="flex max-h-[inherit] min-h-full flex-col">
          <div className="flex items-start justify-between gap-4 border-line border-b px-4 py-3">
            <div className="min-w-0">
              <h2 id={id} className="wrap-anywhere font-semibold text-lg">
                {title}
              </h2>
              {description && <p className="text-muted">{description}</p>}
            </div>
            <Button variant="ghost" size="sm" onClick={onClose} aria-label="Close">
              <X aria-hidden="true" className="size-4" />
            </Button>
          </div>
          <div data-dialog-body className="min-h-0 flex-1 overflow-y-auto p-4">
            {children}
          </div>
          {footer && (
            <div className="flex flex-wrap items-center justify-end gap-2 border-line border-t px-4 py-3">{footer}</div>
          )}
        </div>
      )}
    </dialog>
  );
}

/** A question or a short form in the middle of the screen. */
export function Dialog(props: DialogProps) {
  return (
    <ModalFrame
      {...props}
      shape={clsx(
        'm-auto max-h-[calc(100dvh-2rem)] w-[calc(100vw-1.5rem)] rounded-lg',
        props.wide ? 'max-w-3xl' : 'max-w-lg',
      )}
    />
  );
}

/** A panel at the right edge, for more than a question. */
export function Sheet(props: DialogProps) {
  return (
    <ModalFrame
      {...props}
      shape={clsx('my-0 mr-0 ml-auto h-dvh max-h-dvh w-full', props.wide ? 'sm:max-w-3xl' : 'sm:max-w-xl')}
    />
  );
}
