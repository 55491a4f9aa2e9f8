import { effect, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { findMethod } from '../workbench/added-methods.ts'
import type { WorkbenchSettings } from '../workbench/settings.ts'
import { LONGEST_TEXT, tabInAddress, textInAddress } from './address.ts'

/**
 * Takes the settings of a tab from the address when it is opened, and writes them there where they are not the standard ones.
 * @param text the text of the tab; one that a link has brought stays in the address while it is the tab's
 */
export function useAddress(
  tab: string,
  settings: Signal<WorkbenchSettings>,
  standard: WorkbenchSettings,
  text?: () => string,
): void {
  useEffect(() => {
    const shared = textInAddress(tab)
    const stored = tabInAddress() === tab ? readSettings(location.hash.split('?')[1] ?? '') : undefined
    if (stored !== undefined) settings.value = stored
    return effect(() => {
      const query = writeSettings(settings.value)
      const own = query === writeSettings(standard) ? `#${tab}` : `#${tab}?${query}`
      const isShared = shared !== undefined && text?.() === shared
      history.replaceState(null, '', isShared ? addressOf(tab, settings.value, shared) : own)
    })
  }, [tab, settings, standard])
}

/** The address of a tab with its settings and a text; without the text where it is too long. It stands behind `#`, which no server sees. */
export function addressOf(tab: string, settings: WorkbenchSettings, text: string): string {
  const [page = ''] = location.href.split('#')
  const shared = text.length > LONGEST_TEXT ? '' : `&text=${encodeURIComponent(text)}`
  return `${page}#${tab}?${writeSettings(settings)}${shared}`
}

export function writeSettings({ method, keep, layers }: WorkbenchSettings): string {
  return `method=${encodeURIComponent(method)}&keep=${keep}${layers === undefined ? '' : `&layers=${layers.join()}`}`
}

/** @returns undefined for an invalid setting, and for a method that the page does not have */
export function readSettings(text: string): WorkbenchSettings | undefined {
  const parameters = new URLSearchParams(text)
  const method = parameters.get('method') ?? ''
  const keep = Number(parameters.get('keep'))
  const layers = parameters.get('layers')
  if (findMethod(method) === undefined || !(keep >= 0.1 && keep <= 1)) return undefined
  if (layers !== null && !/^\d{1,4}(,\d{1,4})*$/.test(layers)) return undefined
  return { method, keep, layers: layers === null ? undefined : [...new Set(layers.split(',').map(Number))] }
}
