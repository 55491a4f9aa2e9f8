import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { publicPackages, readJson, root } from './workspace.mjs'

/** What a package is wrapped around, and whose own import loads native code. @type {Record<string, string>} */
const wrapped = { '@tp/transformers': '@huggingface/transformers' }

/** Says what an import has changed in a plain Node, as when a page is rendered on a server. */
const probe = (/** @type {string} */ name, /** @type {string | undefined} */ first) => `
  ${first === undefined ? '' : `await import('${first}')`}
  const nativeCode = () => process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node'))
  const globals = Reflect.ownKeys(globalThis).length
  const native = nativeCode().length
  await import('${name}')
  console.log(JSON.stringify({
    globals: Reflect.ownKeys(globalThis).length - globals,
    active: process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|CloseReq)$/.test(name)),
    native: nativeCode().slice(native),
  }))
`

describe.each(publicPackages())('$manifest.name', ({ folder, manifest }) => {
  // `testing` is for tests alone: it imports vitest, which has globals of its own. Patterns stand for files, not for modules.
  const entries = Object.keys(readJson(join(folder, 'package.json')).exports).filter(
    (entry) => entry !== './package.json' && entry !== './testing' && !entry.includes('*'),
  )
  test.each(entries)('has no effect when %s is imported', async (entry) => {
    const name = manifest.name + entry.slice(1)
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', probe(name, wrapped[manifest.name])],
      {
        cwd: join(root, folder),
      },
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ globals: 0, active: [], native: [] })
  })
})
