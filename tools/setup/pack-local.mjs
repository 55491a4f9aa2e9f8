import './node-version.mjs'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const { root, setUp } = await import('./set-up.mjs')
const { packAll } = await import('../check/tarballs.mjs')
const { localLines } = await import('./local-lines.mjs')
const { recordedSizes } = await import('../check/install/sizes.mjs')

const folder = resolve(process.argv[2] ?? `${root}/reports/packages`)
setUp()
mkdirSync(folder, { recursive: true })
// The lines below take every package that lies there.
for (const name of readdirSync(folder)) if (/^(create-)?tp-.*\.tgz$/.test(name)) rmSync(join(folder, name))
const tarballs = await packAll(folder)
const { code, command, all, plugin, skipped } = localLines(tarballs.map(({ path }) => path))
const sizes = recordedSizes()
const megabytes = (/** @type {string} */ of) => `${sizes[of]?.all} MB with the runtime`
const listed = (/** @type {string[]} */ lines) => lines.map((line) => `  ${line}\n`).join('')
process.stdout.write(`${tarballs.length} packages packed.${skipped === '' ? '' : ` ${skipped} leaves CUDA libraries out, which the runtime would fetch.`}

To prune and run models in code, in a project of yours (${megabytes('prune and run in Node, with one family of methods')}):

${listed(code)}
For the command, npx tp (${megabytes('the command line')}):

${listed(command)}
All of them (${megabytes('all packages')}):

${listed(all)}
To begin a plugin:

${listed(plugin)}`)
