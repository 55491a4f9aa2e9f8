import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunPlan } from '@tp/compiler'
import { digitsData, modelPath } from '@tp/models'
import { expect, test } from 'vitest'
import { idx, pixelsOf } from './idx.ts'
import { argv, temporaryFolder, tpHere } from './tp.ts'

const folder = temporaryFolder()

/** A package that depends on the contract alone. Patches far from the middle of a centered digit are black. */
const source = `
import { add, contractVersion, floor, methodEntry, mul, scorer, sub } from '@tp/core'

const squared = (x) => mul(sub(x, 6.5), sub(x, 6.5))
const center = () =>
  scorer({
    name: 'center',
    family: 'baseline',
    score({ position }) {
      const patch = sub(position, 1)
      const row = floor(mul(patch, 1.00001 / 14))
      return mul(add(squared(row), squared(sub(patch, mul(row, 14)))), -1)
    },
  })
const recipes = [{ inputs: ['images'], answers: ['classes'], layers: ['first'], evidence: 'https://example.org/center' }]

export default { contractVersion, methods: [methodEntry(center, 'keeps the middle of an image', {}, recipes)] }
`

test("chooses a method of a package from outside by the package's own recipe where it loses least", {
  timeout: 600_000,
  tags: 'exhaustive',
}, async () => {
  const plugin = folder.at('tp-center')
  mkdirSync(`${plugin}/node_modules/@tp`, { recursive: true })
  const core = dirname(dirname(fileURLToPath(import.meta.resolve('@tp/core'))))
  symlinkSync(core, `${plugin}/node_modules/@tp/core`)
  writeFileSync(`${plugin}/package.json`, '{ "name": "tp-center", "type": "module", "exports": "./index.js" }')
  writeFileSync(`${plugin}/index.js`, source)
  const digits = digitsData('test').slice(0, 400)
  const images = folder.at('digits-images-idx3-ubyte')
  writeFileSync(images, idx([digits.length, 28, 28], digits.flatMap(pixelsOf)))
  writeFileSync(
    folder.at('digits-labels-idx1-ubyte'),
    idx(
      [digits.length],
      digits.map(({ label }) => label),
    ),
  )
  const args = ['--max-loss', '1', '--float32', '--all-layers', '--plugin', plugin]
  const out = folder.at('plan.json')
  const { code, stderr } = await tpHere(
    argv`optimize ${modelPath('digits-vit')} --data ${images} --plan-out ${out} ${args}`,
  )
  expect([code, stderr]).toEqual([0, expect.any(String)])
  const { regimes } = JSON.parse(readFileSync(out, 'utf8')) as RunPlan
  expect(regimes.at(-1)?.plan).toMatchObject({ method: 'center', layers: [0] })
})
