import type { Interval } from '@tp/metrics'

/** `9.4 MB` */
export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** `1,257` */
export function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

/** A share with two digits: `0.40 %` */
export function percentage(share: number): string {
  return share < 1e-4 ? 'less than 0.01 %' : `${(100 * share).toPrecision(2)} %`
}

/** `1 shard`, `1,200 shards` */
export function counted(count: number, noun: string, text: string = `${count}`): string {
  return `${text} ${noun}${count === 1 ? '' : 's'}`
}

/** Numbers in ascending order, runs drawn together: `1–5, 7`. */
export function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run !== undefined && number === run[1] + 1) run[1] = number
    else runs.push([number, number])
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ')
}

/** `layer 3`, `layers 1, 3` */
export function layersText(layers: readonly number[], numbers: string = layers.join(', ')): string {
  return `${layers.length === 1 ? 'layer' : 'layers'} ${numbers}`
}

/** `98.1 (97.2 … 98.8)`: both ends, since near 100 % they are not equally far. */
export function interval({ estimate, low, high }: Interval): string {
  return `${estimate.toFixed(1)} (${low.toFixed(1)} … ${high.toFixed(1)})`
}

/** Milliseconds in seconds, to a tenth. */
export function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
