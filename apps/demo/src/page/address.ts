/** The tab that the address names: `#mail?method=cls-attention&keep=0.5&layers=1,2`. */
export function tabInAddress(): string {
  return location.hash.slice(1).split('?')[0] ?? ''
}

/** Texts that are longer make addresses that programs cut. */
export const LONGEST_TEXT = 4000

/** The text of an address that somebody has shared. */
export function textInAddress(tab: string): string | undefined {
  const [, parameters = ''] = location.hash.split('?')
  const text = tabInAddress() === tab ? new URLSearchParams(parameters).get('text') : null
  return text === null ? undefined : text.slice(0, LONGEST_TEXT)
}
