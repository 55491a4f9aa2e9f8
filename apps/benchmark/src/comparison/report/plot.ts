import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { type Html, raw } from './html.ts'

const { document } = parseHTML('<!doctype html><html><body></body></html>')

/** A plot as markup, with what it shows in words for those who do not see it. */
export function plot(label: string, options: Plot.PlotOptions): Html {
  const svg = Plot.plot({ document: document as unknown as Document, ...options })
  // its parts are one image
  for (const part of svg.querySelectorAll('g[aria-label]')) part.removeAttribute('aria-label')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  return raw(svg.outerHTML)
}
