// Where binding.gyp finds the kernels: node kernels.mjs folder | baseline | avx2 | avx512 | vnni
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

/** The sources of `@tp/operators`. */
export const kernels = join(dirname(createRequire(import.meta.url).resolve('@tp/operators/package.json')), 'native')

const [program, which] = process.argv.slice(1)
if (which !== undefined && program?.endsWith('kernels.mjs')) {
  // gyp puts objects where sources are, seen from here, so paths have to be relative; it wants slashes on all systems.
  const folder = relative(process.cwd(), kernels).replaceAll('\\', '/')
  const groups = JSON.parse(readFileSync(join(kernels, 'sources.json'), 'utf8'))
  const paths = which === 'folder' ? [folder] : groups[which].sources.map((source) => `${folder}/${source}`)
  process.stdout.write(paths.join(' '))
}
