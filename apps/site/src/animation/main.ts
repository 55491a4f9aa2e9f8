import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { draw } from './draw.ts'
import { measure } from './measure.ts'

/** A mail of the test split without addresses and offences, long enough to lose words in every layer. */
const EXAMPLE = 898

const measured = await measure(EXAMPLE)
for (const [form, name] of [
  ['wide', 'pruning'],
  ['narrow', 'pruning-narrow'],
] as const) {
  const svg = draw(measured, form)
  await writeFile(fileURLToPath(new URL(`../../../../docs/images/${name}.svg`, import.meta.url)), svg)
  process.stdout.write(`docs/images/${name}.svg: ${(svg.length / 1024).toFixed(0)} kB\n`)
}
