import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { draw } from './draw.ts'
import { measure } from './measure.ts'

/** A mail of the test split without addresses and offences, long enough to lose words in every layer. */
const EXAMPLE = 898

const target = fileURLToPath(new URL('../../../../docs/images/pruning.svg', import.meta.url))
const svg = draw(await measure(EXAMPLE))
await writeFile(target, svg)
process.stdout.write(`docs/images/pruning.svg: ${(svg.length / 1024).toFixed(0)} kB\n`)
