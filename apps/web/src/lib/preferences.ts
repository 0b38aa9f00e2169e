'use client';
import { useSyncExternalStore } from 'react';

/** Choices of this browser. Nothing secret and nothing of the control plane is kept here. */
export interface Preferences {
  shortcuts: boolean;
  firstStepsDismissed: boolean;
}

const KEY = 'taskgate-preferences';
const DEFAULTS: Preferences = { shortcuts: true, firstStepsDismissed: false };
const listeners = new Set<() => void>();
let current: Preferences | null = null;

function read(): Preferences {
  if (current) return current;
  try {
    current = { ...DEFAULTS, ...(JSON.parse(window.localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>) };
  } catch {
    current = DEFAULTS;
  }
  return current;
}

export function setPreference<Key extends keyof Preferences>(key: Key, value: Preferences[Key]): void {
  current = { ...read(), [key]: value };
  try {
    window.localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing still has it for this page.
  }
  for (const listener of listeners) listener();
}

export const usePreferences = (): Preferences =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    read,
    () => DEFAULTS,
  );
