import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../check/workspace.mjs'
import { strayRegions } from './generated.mjs'
import { jsonLines } from './json-lines.mjs'

const read = (/** @type {string} */ file) => readFileSync(join(root, file), 'utf8')

/** Factors such as `2.4×` in prose; not those of shapes (`8×128`), code or generated regions. @param {string} text */
function factorsIn(text) {
  const prose = text
    .replaceAll(/<!-- generated: ([\w-]+) -->[\s\S]*?<!-- end of \1 -->/g, '')
    .replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
  return [...prose.matchAll(/(?<![\d.×])(\d+(?:\.\d+)?)×(?!\d)/g)].map(([, figure = '']) => figure)
}

/** Every speed of the evidence, to one digit and to two. */
function measured() {
  /** @type {any[]} */
  const rows = [...jsonLines('docs/results/evidence.jsonl')]
  const speeds = rows.flatMap((row) =>
    [row.speed, row.speedPlain, row.twoThreads].flatMap((each) => Object.values(each ?? {})),
  )
  return new Set(speeds.flatMap(([speed]) => [0, 1, 2].map((digits) => speed.toFixed(digits))))
}

const evidence = measured()

test.each(['README.md', 'apps/site/src/pages/home.ts'])('every factor in %s is in the evidence', (file) => {
  expect(factorsIn(read(file)).filter((figure) => !evidence.has(figure))).toEqual([])
})

const history = factorsIn(read('docs/findings.md'))
const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'findings.md')

test.each(guides)('every factor in the guide %s is in the evidence or in a dated finding', (name) => {
  const known = new Set([...evidence, ...history])
  expect(factorsIn(read(`docs/${name}`)).filter((figure) => !known.has(figure))).toEqual([])
})

test('finds factors in prose, and none in shapes, code and generated regions', () => {
  const text = 'is 2.4× as fast at 8×128\n\n<!-- generated: a -->\n3.1×\n<!-- end of a -->\n```sh\n5×\n```\n'
  expect(factorsIn(text)).toEqual(['2.4'])
})

test('every generated region has a generator', async () => {
  expect(await strayRegions()).toEqual([])
})
