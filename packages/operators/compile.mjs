// The kernels as a compiler gets them.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const folder = fileURLToPath(new URL('.', import.meta.url))

/**
 * A file, from this folder, with flags of its own.
 * @typedef {{ readonly source: string, readonly flags: readonly string[] }} Source
 */

/**
 * The kernels for processors of one kind, `x64` or `arm64`: on x64 also those that need instructions which not all have.
 * @param {string} arch
 * @returns {Source[]}
 */
export function kernels(arch) {
  /** @type {typeof import('./native/sources.json')} */
  const { baseline, ...others } = JSON.parse(readFileSync(join(folder, 'native', 'sources.json'), 'utf8'))
  const groups = arch === 'x64' ? [baseline, ...Object.values(others)] : [baseline]
  return groups.flatMap(({ sources, flags }) => sources.map((name) => ({ source: join('native', name), flags })))
}

/**
 * Compiles as many at a time as there are processors.
 * @param {readonly string[]} compiler a program and its first arguments
 * @param {readonly string[]} flags of all sources
 * @param {readonly Source[]} sources
 * @param {string} objects the folder for what is made
 * @returns {Promise<string[]>} the objects
 * @throws Error with what the compiler says
 */
export async function compile(compiler, flags, sources, objects) {
  const [program = '', ...first] = compiler
  const waiting = sources.map((one) => ({ ...one, object: join(objects, `${basename(one.source)}.o`) }))
  const made = waiting.map(({ object }) => object)
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const args = [...first, ...flags, ...next.flags, '-c', next.source, '-o', next.object]
      await promisify(execFile)(program, args, { cwd: folder })
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return made
}
