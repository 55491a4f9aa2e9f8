import './node-version.mjs'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const { root, setUp } = await import('./set-up.mjs')
const { packAll } = await import('../check/tarballs.mjs')
const { localLines } = await import('./local-lines.mjs')

const folder = resolve(process.argv[2] ?? `${root}/reports/packages`)
setUp()
mkdirSync(folder, { recursive: true })
// The lines below take every package that lies there.
for (const name of readdirSync(folder)) if (/^(create-)?tp-.*\.tgz$/.test(name)) rmSync(join(folder, name))
const tarballs = await packAll(folder)
const { install, plugin } = localLines(tarballs.map(({ path }) => path))
const listed = (/** @type {string[]} */ lines) => lines.map((line) => `  ${line}\n`).join('')
process.stdout.write(`${tarballs.length} packages packed. To install them in a project of yours:

${listed(install)}
To begin a plugin:

${listed(plugin)}`)
