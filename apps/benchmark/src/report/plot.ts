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

const TITLE = { size: 15, height: 34 }

/** Several plots of one size next to each other, as a file. */
export function sideBySide(title: string, plots: readonly string[], width: number, height: number): string {
  const size = { width: plots.length * width, height: height + TITLE.height }
  const placed = plots.map((plot, i) => `<svg x="${i * width}" y="${TITLE.height}">${plot}</svg>`)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" font-family="sans-serif">`,
    `<rect width="${size.width}" height="${size.height}" fill="#fff"/>`,
    `<text x="8" y="22" font-size="${TITLE.size}" font-weight="bold">${title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`,
    ...placed,
    '</svg>\n',
  ].join('\n')
}
