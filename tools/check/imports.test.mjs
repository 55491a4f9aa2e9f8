import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { publicPackages, readJson, root } from './workspace.mjs'

/** The library that a package wraps, and whose own import loads native code. @type {Record<string, string>} */
const wrapped = { '@tp/transformers': '@huggingface/transformers' }

/** Says what each import has changed in a plain Node, as when a page is rendered on a server. */
const probe = (/** @type {readonly string[]} */ names, /** @type {string | undefined} */ first) => `
  ${first === undefined ? '' : `await import('${first}')`}
  const nativeCode = () => process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node'))
  const found = {}
  for (const name of ${JSON.stringify(names)}) {
    const globals = Reflect.ownKeys(globalThis).length
    const native = nativeCode().length
    await import(name)
    found[name] = {
      globals: Reflect.ownKeys(globalThis).length - globals,
      active: process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|CloseReq)$/.test(name)),
      native: nativeCode().slice(native),
    }
  }
  console.log(JSON.stringify(found))
`

// One process for a package: an entry point that has an effect shows it wherever it comes.
test.each(publicPackages())(
  'importing any entry point of $manifest.name has no effect',
  { tags: 'exhaustive' },
  async ({ folder, manifest }) => {
    // `testing` is for tests alone: it imports vitest, which has globals of its own. Patterns stand for files, not for modules.
    const entries = Object.keys(readJson(join(folder, 'package.json')).exports).filter(
      (entry) => entry !== './package.json' && entry !== './testing' && !entry.includes('*'),
    )
    const names = entries.map((entry) => manifest.name + entry.slice(1))
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', probe(names, wrapped[manifest.name])],
      { cwd: join(root, folder) },
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual(
      Object.fromEntries(names.map((name) => [name, { globals: 0, active: [], native: [] }])),
    )
  },
)
