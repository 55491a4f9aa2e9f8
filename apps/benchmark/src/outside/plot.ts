import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

const { document } = parseHTML('<!doctype html><html><body></body></html>')

/** A plot as SVG, with what it shows in words for those who do not see it. */
export function plotSvg(label: string, options: Plot.PlotOptions): string {
  const svg = Plot.plot({ document: document as unknown as Document, ...options })
  // its parts are one image
  for (const part of svg.querySelectorAll('g[aria-label]')) part.removeAttribute('aria-label')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  return svg.outerHTML
}
