import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './workspace.mjs'

const recorded = join(process.env.TP_SHARED ?? join(root, '../shared'), 'golden')
const packages = ['method-attention', 'method-gradient', 'method-hybrid', 'method-rl', 'train']

/** Recorded cases below a folder: `ltp/encoder-hard`. @param {string} folder */
function casesIn(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length))
}

/** @param {string} path @returns {{ inputs: object, outputs: object }} */
function read(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Recorded for the project itself, from a newer release than the others. */
const ownCases = new Set(['kv_scorers/lagkv'])

const copies = packages.flatMap((name) => {
  const folder = join(root, 'packages', name, 'golden')
  return casesIn(folder).map((golden) => ({ name, golden, path: join(folder, `${golden}.json`) }))
})

for (const name of packages) {
  test(`${name}: every recorded case is named in a test`, () => {
    const folder = join(root, 'packages', name)
    const tests = ['src', 'test']
      .flatMap((part) => readdirSync(join(folder, part)).map((file) => join(folder, part, file)))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(file, 'utf8'))
    const own = copies.filter((copy) => copy.name === name)
    const isNamed = (/** @type {string} */ golden) => {
      const [, file = ''] = golden.split('/')
      const [first = '', ...rest] = file.split('-')
      // a test may write the common prefix of its cases only once: /infer-${name}
      const isTail = (/** @type {string} */ text) =>
        text.includes(`/${first}-\${`) && text.includes(`'${rest.join('-')}'`)
      return tests.some((text) => text.includes(`'${file}'`) || text.includes(`/${file}'`) || isTail(text))
    }
    expect(own.filter(({ golden }) => !isNamed(golden)).map(({ golden }) => golden)).toEqual([])
  })
}

if (!existsSync(recorded)) {
  test.skip('all recorded cases are compared or listed (skipped: the shared folder is missing)', () => {})
} else {
  test('every recorded case is compared in a package, or listed in docs/deviations.md', () => {
    const text = readFileSync(join(root, 'docs/deviations.md'), 'utf8')
    const [, list = ''] = text.split('## Recorded cases that are not compared')
    const compared = new Set(copies.map(({ golden }) => golden))
    /** Listed by name, or with its whole folder: `sit/*`. @param {string} golden */
    const isListed = (golden) => list.includes(`\`${golden}\``) || list.includes(`\`${golden.split('/')[0]}/*\``)
    const all = casesIn(recorded)
    expect(all.filter((golden) => !compared.has(golden) && !isListed(golden))).toEqual([])
    expect(all.filter((golden) => compared.has(golden) && isListed(golden))).toEqual([])
  })

  test('the cases of the packages are as recorded', () => {
    for (const { golden, path } of copies.filter((copy) => !ownCases.has(copy.golden))) {
      const [own, whole] = [read(path), read(join(recorded, `${golden}.json`))]
      expect(whole.inputs, golden).toMatchObject(own.inputs)
      expect(whole.outputs, golden).toMatchObject(own.outputs)
    }
  })
}
