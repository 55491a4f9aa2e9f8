import { effect, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { findMethod } from '../workbench/added-methods.ts'
import type { WorkbenchSettings } from '../workbench/settings.ts'

/** The tab that the address names: `#mail?method=cls-attention&keep=0.5&layers=1,2`. */
export function tabInAddress(): string {
  return location.hash.slice(1).split('?')[0] ?? ''
}

/** Takes the settings of a tab from the address when it is opened, and writes them there where they are not the standard ones. */
export function useAddress(tab: string, settings: Signal<WorkbenchSettings>, standard: WorkbenchSettings): void {
  useEffect(() => {
    const stored = tabInAddress() === tab ? readSettings(location.hash.split('?')[1] ?? '') : undefined
    if (stored !== undefined) settings.value = stored
    return effect(() => {
      const isStandard = writeSettings(settings.value) === writeSettings(standard)
      history.replaceState(null, '', isStandard ? `#${tab}` : `#${tab}?${writeSettings(settings.value)}`)
    })
  }, [tab, settings, standard])
}

/** Texts that are longer make addresses that programs cut. */
const LONGEST_TEXT = 4000

/** The address of a tab with its settings and a text; without the text where it is too long. It stands behind `#`, which no server sees. */
export function addressOf(tab: string, settings: WorkbenchSettings, text: string): string {
  const [page = ''] = location.href.split('#')
  const shared = text === '' || text.length > LONGEST_TEXT ? '' : `&text=${encodeURIComponent(text)}`
  return `${page}#${tab}?${writeSettings(settings)}${shared}`
}

/** The text of an address that somebody has shared. */
export function textInAddress(tab: string): string | undefined {
  const [, parameters = ''] = location.hash.split('?')
  const text = tabInAddress() === tab ? new URLSearchParams(parameters).get('text') : null
  return text === null ? undefined : text.slice(0, LONGEST_TEXT)
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
  return { method, keep, layers: layers === null ? undefined : layers.split(',').map(Number) }
}
